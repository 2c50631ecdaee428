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

// batch is what was read from the topics between two commits.
type batch struct {
	events   *rows.Events
	alerts   *rows.Alerts
	rejected *rows.Rejected
	invalid  []event.Rejected // goes to the rejected topic
	spans    map[topicPartition]span
	skipped  int64
	bytes    int
	due      time.Time
	stored   chan struct{} // closed when the rows are stored
	finished chan struct{} // closed when its offsets are committed, or need not be
}

func newBatch() *batch {
	return &batch{
		events: rows.NewEvents(), alerts: rows.NewAlerts(), rejected: rows.NewRejected(),
		spans: make(map[topicPartition]span),
	}
}

// begin makes a free batch ready to be filled.
func (b *batch) begin(due time.Time) {
	b.events.Reset()
	b.alerts.Reset()
	b.rejected.Reset()
	clear(b.invalid)
	b.invalid = b.invalid[:0]
	clear(b.spans)
	b.skipped, b.bytes, b.due = 0, 0, due
	b.stored, b.finished = make(chan struct{}), make(chan struct{})
}

func (b *batch) rows() int {
	return b.events.Rows() + b.alerts.Rows() + b.rejected.Rows() + len(b.invalid)
}

// table is the rows of a batch that go into one table.
type table struct {
	name  string
	topic string
	rows  int
	input proto.Input
}

func (r *run) tables(b *batch) []table {
	return []table{
		{"event_log", r.topics.Events, b.events.Rows(), b.events.Input()},
		{"alert_log", r.topics.Alerts, b.alerts.Rows(), b.alerts.Input()},
		{"rejected_log", r.topics.Rejected, b.rejected.Rows(), b.rejected.Input()},
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
