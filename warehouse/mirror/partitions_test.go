package mirror_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

// Where partitions are added to the log while the mirror runs, events that are
// right for the new number look wrong by the old one. None of them may be
// rejected: the mirror ends with the way out.
func TestPartitionsAddedToARunningLogRejectNoEvent(t *testing.T) {
	s := newShop(t)
	s.events(0, 100)
	m := s.mirror()
	s.stored()
	old, grown := s.id.Partitions, s.id.Partitions+2
	if _, err := kadm.NewClient(s.cl.Client).UpdatePartitions(t.Context(), int(grown), s.topics.Events); err != nil {
		t.Fatal(err)
	}
	moved := movedEvent(old, grown)
	s.produce(&kgo.Record{
		Topic: s.topics.Events, Partition: event.Partition(moved.Key(), grown), Key: []byte(moved.Key()), Value: moved.AppendJSON(nil),
	})
	err := m.ended()
	if want := fmt.Sprintf("had %d partitions and has %d now", old, grown); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--kafka-topic-prefix") {
		t.Errorf("got %v, want it to say %q and the way out", err, want)
	}
	ends, err := s.cl.EndOffsets(t.Context(), s.topics.Rejected)
	if err != nil {
		t.Fatal(err)
	}
	for p, end := range ends {
		if end != 0 {
			t.Errorf("%d records were rejected in partition %d", end, p)
		}
	}
}

// movedEvent is one whose partition changes with their number, and exists
// already with the old one.
func movedEvent(old, grown int32) event.Event {
	for n := 0; ; n++ {
		e := an(n)
		e.ProductID = fmt.Sprintf("moved%d", n)
		if p := event.Partition(e.Key(), grown); p < old && p != event.Partition(e.Key(), old) {
			return e
		}
	}
}
