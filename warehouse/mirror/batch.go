package mirror

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"clickstream/internal/event"
	"clickstream/warehouse/rows"
)

// A batch is full with BatchRows rows, batchBlocks blocks of events or otherBytes
// bytes of everything else.
const (
	batchBlocks = 7
	otherBytes  = 16 << 20
	// A block is full with so many rows or bytes of values. The blocks of all
	// batches together bound the mirror's memory.
	blockRows  = 50_000
	blockBytes = 14 << 20
	maxBlocks  = writers*batchBlocks + 2
	maxBatches = writers + 2
)

type topicPartition struct {
	topic     string
	partition int32
}

// span is which records of a partition a batch holds: those from first up to
// next, next itself not included.
type span struct {
	first, next int64
	owner       *ownership
}

// batch is what was read from the topics between two commits. Its events lie in
// blocks: ClickHouse takes one after the other, and makes one part of them for
// each day.
type batch struct {
	events   []*rows.Events
	alerts   *rows.Alerts
	rejected *rows.Rejected
	invalid  []event.Rejected // goes to the rejected topic
	spans    map[topicPartition]span
	skipped  int64
	rows     int
	inBlock  int // bytes in the last block of events
	other    int // bytes of all that is no event
	due      time.Time
	stored   chan struct{} // closed when the rows are stored
	finished chan struct{} // closed when its offsets are committed, or need not be
}

func newBatch() *batch {
	return &batch{alerts: rows.NewAlerts(), rejected: rows.NewRejected(), spans: make(map[topicPartition]span)}
}

// begin makes a batch ready to be filled. Its blocks have been taken out.
func (b *batch) begin(due time.Time) {
	b.alerts.Reset()
	b.rejected.Reset()
	clear(b.invalid)
	b.invalid = b.invalid[:0]
	clear(b.spans)
	b.skipped, b.rows, b.inBlock, b.other, b.due = 0, 0, 0, 0, due
	b.stored, b.finished = make(chan struct{}), make(chan struct{})
}

// needsBlock says whether an event has no room in the last block.
func (b *batch) needsBlock(most int) bool {
	if len(b.events) == 0 {
		return true
	}
	return b.events[len(b.events)-1].Rows() >= most || b.inBlock >= blockBytes
}

// full says whether b takes no more records.
func (b *batch) full(batchRows int) bool {
	return b.rows >= batchRows || b.other >= otherBytes || len(b.events) == batchBlocks && b.needsBlock(blockRows)
}

// block is some rows of a table.
type block interface {
	Rows() int
	Input() proto.Input
}

// table is the rows of a batch that go into one table.
type table struct {
	name   string
	topic  string
	blocks []block
}

func (r *run) tables(b *batch) []table {
	events := table{name: "event_log", topic: r.topics.Events}
	for _, block := range b.events {
		events.add(block)
	}
	alerts := table{name: "alert_log", topic: r.topics.Alerts}
	alerts.add(b.alerts)
	rejected := table{name: "rejected_log", topic: r.topics.Rejected}
	rejected.add(b.rejected)
	return []table{events, alerts, rejected}
}

func (t *table) add(b block) {
	if b.Rows() > 0 {
		t.blocks = append(t.blocks, b)
	}
}

// holds says whether b holds offsets of a topic.
func (b *batch) holds(topic string) bool {
	for tp := range b.spans {
		if tp.topic == topic {
			return true
		}
	}
	return false
}

// holdsAny says whether b holds offsets of any of the partitions.
func (b *batch) holdsAny(partitions map[string][]int32) bool {
	for topic, numbers := range partitions {
		for _, n := range numbers {
			if _, held := b.spans[topicPartition{topic, n}]; held {
				return true
			}
		}
	}
	return false
}

// ranges names the records of a topic in b: "3/1200-1799, 4/7-9 and 10 more".
func (b *batch) ranges(topic string) string {
	const named = 3
	var partitions []int32
	for tp := range b.spans {
		if tp.topic == topic {
			partitions = append(partitions, tp.partition)
		}
	}
	slices.Sort(partitions)
	var text []string
	for _, p := range partitions[:min(named, len(partitions))] {
		s := b.spans[topicPartition{topic, p}]
		text = append(text, fmt.Sprintf("%d/%d-%d", p, s.first, s.next-1))
	}
	all := strings.Join(text, ", ")
	if more := len(partitions) - named; more > 0 {
		all += fmt.Sprintf(" and %d more", more)
	}
	return all
}
