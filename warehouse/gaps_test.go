package warehouse_test

import (
	"slices"
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
		if _, err := w.RecordGaps(t.Context(), by, all); err != nil {
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

	if _, err := w.AcceptGaps(t.Context(), "ann", first[:1]); err != nil {
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

func TestM6_ATopicBesideTheLogThatWasCreatedAgainIsAGap(t *testing.T) {
	w := warehousetest.Migrated(t)
	id := broker.LogIdentity{
		Topic: "log", ClusterID: "c", TopicID: "t", Partitions: 3,
		Alerts: "alerts", AlertsID: "a1", Rejected: "rejected", RejectedID: "r1",
	}
	again := id
	again.RejectedID = "r2"
	without := id // a broker that has no ids
	without.AlertsID, without.RejectedID = "", ""
	want := []broker.Gap{{Topic: "rejected", TopicID: "r2", Partition: -1, Reason: broker.Recreated}}
	for _, step := range []struct {
		name string
		id   broker.LogIdentity
		gaps []broker.Gap
	}{
		{"no ids", without, nil},
		{"the first ids", id, nil},
		{"the same", id, nil},
		{"no ids again", without, nil},
		{"another rejected topic", again, want},
		{"the same other one", again, want},
	} {
		if err := w.CheckLog(t.Context(), step.id); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		recorded, err := w.Gaps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []broker.Gap
		for _, g := range recorded {
			got = append(got, g.Gap)
		}
		if !slices.Equal(got, step.gaps) {
			t.Errorf("%s: recorded %+v, want %+v", step.name, got, step.gaps)
		}
	}
}

func TestM6_OnlyWhatIsNewOfAGapIsRecorded(t *testing.T) {
	w := warehousetest.Migrated(t)
	retention := func(from, to int64) broker.Gap {
		return broker.Gap{Topic: "log", TopicID: "t1", From: from, To: to, Reason: broker.Retention}
	}
	lost := func(from, to int64) broker.Gap {
		return broker.Gap{Topic: "log", TopicID: "t1", From: from, To: to, Reason: broker.Lost}
	}
	recreated := broker.Gap{Topic: "log", TopicID: "t2", From: 20, To: 20, Reason: broker.Recreated}
	for _, step := range []struct {
		name     string
		by       string
		gap      broker.Gap
		recorded []broker.Gap
	}{
		{"a first one", "mirror", retention(10, 20), []broker.Gap{retention(10, 20)}},
		{"the same", "mirror", retention(10, 20), nil},
		{"another role's", "processor", retention(10, 15), []broker.Gap{retention(10, 15)}},
		{"a part of it", "mirror", retention(12, 20), nil},
		{"one that has grown", "mirror", retention(10, 30), []broker.Gap{retention(20, 30)}},
		{"a later one", "mirror", retention(40, 50), []broker.Gap{retention(40, 50)}},
		{"one around them", "mirror", retention(5, 60), []broker.Gap{retention(5, 10), retention(30, 40), retention(50, 60)}},
		{"the same again", "mirror", retention(5, 60), nil},
		{"a recreated topic", "mirror", recreated, []broker.Gap{recreated}},
		{"the same recreated topic", "mirror", recreated, nil},
		{"lost records", "mirror", lost(70, 80), []broker.Gap{lost(70, 80)}},
		{"the same lost records", "mirror", lost(70, 80), nil},
		{"those that came after them, lost too", "mirror", lost(75, 90), []broker.Gap{lost(75, 90)}},
	} {
		got, err := w.RecordGaps(t.Context(), step.by, []broker.Gap{step.gap})
		if err != nil || !slices.Equal(got, step.recorded) {
			t.Errorf("%s: recorded %v, %v; want %v", step.name, got, err, step.recorded)
		}
	}
}
