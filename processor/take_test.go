package processor

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/processor/windows"
	"clickstream/processor/windows/windowstest"
)

const (
	takenPartitions = 12
	takenRecords    = 2000
)

// manyWorkers is a session with more workers than cores, and with all partitions,
// that has read nothing yet. What it leaves out it adds to aside.
func manyWorkers(t *testing.T, aside map[int32][]int64) *session {
	t.Helper()
	s := &session{in: brokertest.OpenAt(t, broker.Config{Brokers: []string{"127.0.0.1:1"}}), partitions: takenPartitions, parts: make(map[int32]*assigned)}
	s.p = &Processor{cfg: Config{OnLeftOut: func(partition int32, offset int64, _ bool) { aside[partition] = append(aside[partition], offset) }}}
	for range 4 {
		s.workers = append(s.workers, &reading{partitions: takenPartitions})
	}
	for n := range int32(takenPartitions) {
		s.own(n, windows.New(windowstest.Model{Rule: smallRule}.First(), 0, false))
	}
	return s
}

// polled is what a poll brings: events of each partition, every second one late.
func polled() kgo.Fetches {
	topic := kgo.FetchTopic{Topic: "events"}
	products := productPerPartition()
	for n := range int32(takenPartitions) {
		f := kgo.FetchPartition{Partition: n}
		for offset := range int64(takenRecords) {
			e := event.Event{ID: fmt.Sprint(offset), Type: event.TypeView, Timestamp: noon, UserID: "u", ProductID: products[n], Quantity: 1}
			if offset%2 == 1 {
				e.Timestamp -= 3_600_000
			}
			f.Records = append(f.Records, &kgo.Record{
				Topic: topic.Topic, Partition: n, Offset: offset, Key: []byte(e.Key()), Value: e.AppendJSON(nil), Timestamp: noon.Time(),
			})
		}
		topic.Partitions = append(topic.Partitions, f)
	}
	return kgo.Fetches{{Topics: []kgo.FetchTopic{topic}}}
}

// productPerPartition names a product of each partition.
func productPerPartition() map[int32]string {
	products := make(map[int32]string)
	for i := 0; len(products) < takenPartitions; i++ {
		product := fmt.Sprint("p", i)
		products[event.Partition(product, takenPartitions)] = product
	}
	return products
}

func TestRecordsOfAPartitionAreTakenInOrderByManyWorkers(t *testing.T) {
	aside := make(map[int32][]int64)
	s := manyWorkers(t, aside)
	if err := s.take(polled()); err != nil {
		t.Fatal(err)
	}
	for n, a := range s.parts {
		// A record that is taken after a later one is passed over.
		if c := a.Counts(); c.Events != takenRecords || c.Late != takenRecords/2 || c.Invalid != 0 || a.Offset() != takenRecords {
			t.Errorf("partition %d is read to offset %d: %+v", n, a.Offset(), c)
		}
		if len(aside[n]) != takenRecords/2 || !slices.IsSorted(aside[n]) {
			t.Errorf("partition %d: %d events are reported as left out, in order: %t", n, len(aside[n]), slices.IsSorted(aside[n]))
		}
	}
}

// A broker that has moved a partition may answer, and its old leader too.
func TestTwoFetchesOfAPartitionAreTakenOneAfterTheOther(t *testing.T) {
	s := manyWorkers(t, make(map[int32][]int64))
	early, late := polled(), polled()
	for i := range early[0].Topics[0].Partitions {
		f, next := &early[0].Topics[0].Partitions[i], &late[0].Topics[0].Partitions[i]
		f.Records, next.Records = f.Records[:takenRecords/2], next.Records[takenRecords/2:]
	}
	if err := s.take(append(early, late...)); err != nil {
		t.Fatal(err)
	}
	for n, a := range s.parts {
		if c := a.Counts(); c.Events != takenRecords {
			t.Errorf("partition %d is read to offset %d: %+v", n, a.Offset(), c)
		}
	}
}

func TestAPartitionThatCannotBeReadEndsTheSession(t *testing.T) {
	damaged := errors.New("the batch is damaged")
	s := manyWorkers(t, make(map[int32][]int64))
	fetches := polled()
	fetches[0].Topics[0].Partitions[7].Err = damaged
	if err := s.take(fetches); !errors.Is(err, damaged) {
		t.Errorf("the error is %v", err)
	}
	if c := s.parts[7].Counts(); c.Events != 0 {
		t.Errorf("of the partition %+v is counted", c)
	}
}
