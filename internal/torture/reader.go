package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/torture/recount"
)

func topics() []string { return []string{eventsTopic, alertsTopic, rejectedTopic, ledgerTopic} }

// reader reads the topics from their beginning into a log.
type reader struct {
	client *kgo.Client
	admin  *kadm.Client
	log    *recount.Log
	next   map[string]map[int32]int64
	hash   kgo.TopicPartitioner // where a key belongs, as every Kafka client has it
}

func newReader(kafka string) (*reader, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka), kgo.ConsumeTopics(topics()...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AlwaysRetryEOF())
	if err != nil {
		return nil, err
	}
	next := make(map[string]map[int32]int64)
	for _, topic := range topics() {
		next[topic] = make(map[int32]int64)
	}
	return &reader{
		client: client, admin: kadm.NewClient(client), log: recount.NewLog(eventsTopic, rule), next: next,
		hash: kgo.StickyKeyPartitioner(nil).ForTopic(eventsTopic),
	}, nil
}

func (r *reader) close() { r.client.Close() }

// catchUp reads up to the present ends of the topics.
func (r *reader) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	ends, err := r.admin.ListEndOffsets(ctx, topics()...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("ask for the ends of the topics: %w", err)
	}
	for !r.reached(ends) {
		fetches := r.client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read the topics: %w", err)
		}
		partitions := int32(len(ends[eventsTopic]))
		fetches.EachRecord(func(record *kgo.Record) { r.add(record, partitions) })
	}
	return nil
}

func (r *reader) reached(ends kadm.ListedOffsets) bool {
	all := true
	ends.Each(func(end kadm.ListedOffset) {
		all = all && r.next[end.Topic][end.Partition] >= end.Offset
	})
	return all
}

func (r *reader) add(record *kgo.Record, partitions int32) {
	r.next[record.Topic][record.Partition] = record.Offset + 1
	out := recount.Record{
		Partition: record.Partition, Hashed: -1, Offset: record.Offset, Received: record.Timestamp.UnixMilli(),
		Key: record.Key, Value: record.Value, Headers: make(map[string]string, len(record.Headers)),
	}
	for _, h := range record.Headers {
		out.Headers[h.Key] = string(h.Value)
	}
	switch record.Topic {
	case eventsTopic:
		if record.Key != nil {
			out.Hashed = int32(r.hash.Partition(record, int(partitions)))
		}
		r.log.AddEvent(out)
	case alertsTopic:
		r.log.AddAlert(out)
	case rejectedTopic:
		r.log.AddRejected(out)
	case ledgerTopic:
		r.log.AddLedger(out)
	}
}
