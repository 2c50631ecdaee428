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
	produce(s, 0, 100)
	m := s.Mirror()
	s.WaitStored()
	old, grown := s.ID.Partitions, s.ID.Partitions+2
	if _, err := kadm.NewClient(s.Broker.Client).UpdatePartitions(t.Context(), int(grown), s.Broker.Topics().Events); err != nil {
		t.Fatal(err)
	}
	moved := movedEvent(old, grown)
	s.Produce(&kgo.Record{
		Topic: s.Broker.Topics().Events, Partition: event.Partition(moved.Key(), grown), Key: []byte(moved.Key()), Value: moved.AppendJSON(nil),
	})
	err := m.Wait()
	if want := fmt.Sprintf("had %d partitions and has %d now", old, grown); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--kafka-topic-prefix") {
		t.Errorf("got %v, want it to say %q and the way out", err, want)
	}
	ends, err := s.Broker.EndOffsets(t.Context(), s.Broker.Topics().Rejected)
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
