package health

import (
	"slices"
	"testing"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/warehouse"
)

func TestM6_AGapIsUnwellUntilAPersonAcceptsIt(t *testing.T) {
	p := pipeline(t, brokertest.Config(t))
	gap := broker.Gap{Topic: p.Broker.Topics().Events, TopicID: "t", Partition: 3, From: 10, To: 25, Reason: broker.Retention}
	if _, err := p.Warehouse.RecordGaps(t.Context(), "mirror", []broker.Gap{gap}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name             string
		accept           string
		shown            int
		unwell, accepted bool
	}{
		{"before", "", 1, true, false},
		{"when it is accepted", "ann", 1, false, true},
		{"after", "", 0, false, false},
	} {
		r := Check(t.Context(), Config{Engines: p.Engines, Roles: []string{"mirror"}, AcceptGaps: step.accept})
		if has(r, "gap: the mirror noticed") != step.unwell || len(r.Gaps) != step.shown {
			t.Errorf("%s: unwell %q, gaps %+v", step.name, r.Unwell, r.Gaps)
		}
		if step.accepted != slices.ContainsFunc(r.Gaps, func(g warehouse.Gap) bool { return g.Gap == gap && g.AcceptedBy == "ann" }) {
			t.Errorf("%s: %+v", step.name, r.Gaps)
		}
	}
}
