package warehouse_test

import (
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

func TestM6_AGapIsOneRowHoweverOftenItIsNoticedUntilAPersonAcceptsIt(t *testing.T) {
	w := warehousetest.Migrated(t)
	gaps := func() []warehouse.Gap {
		t.Helper()
		gaps, err := w.Gaps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return gaps
	}
	record := func(by string, all ...broker.Gap) {
		t.Helper()
		if err := w.RecordGaps(t.Context(), by, all); err != nil {
			t.Fatal(err)
		}
	}
	if got := gaps(); len(got) != 0 {
		t.Fatalf("new tables have gaps: %v", got)
	}
	cut := broker.Gap{Topic: "log", TopicID: "t1", Partition: 3, From: 10, To: 25, Reason: broker.Retention}
	other := broker.Gap{Topic: "rejected", TopicID: "t2", Partition: 0, From: 7, To: 7, Reason: broker.Recreated}
	record("mirror", cut, other)
	first := gaps()
	if len(first) != 2 || first[0].Gap != cut || first[1].Gap != other {
		t.Fatalf("recorded are %+v, want %+v and %+v", first, cut, other)
	}
	for _, g := range first {
		if g.NoticedBy != "mirror" || time.Since(g.NoticedAt).Abs() > time.Minute || g.AcceptedAt != nil || g.AcceptedBy != "" {
			t.Errorf("a gap that was just noticed is %+v", g)
		}
	}

	record("mirror", cut)
	record("processor", cut)
	if got := gaps(); len(got) != 3 || !got[0].NoticedAt.Equal(first[0].NoticedAt) {
		t.Errorf("after it was noticed again and by another role: %+v", got)
	}

	if err := w.AcceptGaps(t.Context(), "ann", first[:1]); err != nil {
		t.Fatal(err)
	}
	record("mirror", cut)
	// Whatever has merged.
	for range 2 {
		got := gaps()
		if len(got) != 3 {
			t.Fatalf("after one was accepted: %+v", got)
		}
		accepted := got[0]
		if accepted.Gap != cut || accepted.NoticedBy != "mirror" || accepted.AcceptedBy != "ann" || accepted.AcceptedAt == nil || !accepted.NoticedAt.Equal(first[0].NoticedAt) {
			t.Errorf("the accepted gap is %+v", accepted)
		}
		for _, g := range got[1:] {
			if g.AcceptedAt != nil {
				t.Errorf("accepted without a person: %+v", g)
			}
		}
		if err := w.Conn().Exec(t.Context(), "OPTIMIZE TABLE gap_log FINAL"); err != nil {
			t.Fatal(err)
		}
	}
}
