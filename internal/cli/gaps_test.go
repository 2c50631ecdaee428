package cli

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// The environment accepts nothing: a health check would accept whatever comes.
func TestM6_StatusAcceptsGapsOnlyWhenItIsAsked(t *testing.T) {
	_, brokers := brokertest.Start(t, t.TempDir())
	end := warehousetest.Database(t)
	t.Setenv(envClickHousePassword, end.Password)
	engines := []string{"--data-dir", t.TempDir(), "--kafka-brokers", brokers.Brokers[0],
		"--clickhouse-addr", end.Addr, "--clickhouse-user", end.User, "--clickhouse-database", end.Database}
	if status, _, errOut := run(t, append([]string{"migrate", "up"}, engines...)...); status != exitDone {
		t.Fatal(errOut)
	}
	w, err := warehouse.Open(t.Context(), end.Config(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	gap := broker.Gap{Topic: "log", Partition: 3, From: 10, To: 25, Reason: broker.Retention}
	if _, err := w.RecordGaps(t.Context(), "mirror", []broker.Gap{gap}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLICKSTREAM_ACCEPT_GAPS", "true")
	const text = "topic log-3 no longer holds the offsets 10 to 24"
	for _, step := range []struct {
		args             []string
		unwell, accepted bool
	}{
		{[]string{"status"}, true, false},
		{[]string{"status", "--accept-gaps", "--roles", "collector"}, false, true},
		{[]string{"status"}, false, false},
	} {
		_, out, errOut := run(t, append(step.args, engines...)...)
		if strings.Contains(out, text+"; if") != step.unwell || strings.Contains(out, "accepted: "+text) != step.accepted {
			t.Errorf("%v printed %s%s", step.args, out, errOut)
		}
	}
	gaps, err := w.Gaps(t.Context())
	if err != nil || len(gaps) != 1 || gaps[0].AcceptedBy != userName() {
		t.Errorf("recorded is %+v (%v), accepted by %s", gaps, err, userName())
	}
}
