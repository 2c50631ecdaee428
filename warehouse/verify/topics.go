package verify

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/warehouse"
	"clickstream/warehouse/rows"
)

// alertVersions compares the alerts topic with its table.
func (v *verification) alertVersions(ctx context.Context) error {
	v.step("comparing the alerts topic", 0)
	b := &alertBlock{}
	input := proto.Input{{Name: "kafka_partition", Data: &b.partition}, {Name: "kafka_offset", Data: &b.offset}, {Name: "value", Data: &b.value}}
	err := v.readTopic(ctx, v.topics.Alerts, v.alertBegins, v.alertEnds, "emitted", input, func(r *kgo.Record) int {
		b.partition, b.offset = append(b.partition, r.Partition), append(b.offset, r.Offset)
		b.value.AppendBytes(r.Value)
		return len(r.Value)
	})
	if err != nil {
		return err
	}
	return v.query(ctx, "alert_versions", func(scan func(...any) error) error {
		var f Finding
		if err := scan(&f.Kind, &f.Total, &f.Samples); err != nil {
			return err
		}
		f.Kind = versionKinds[f.Kind]
		v.report.Differences = append(v.report.Differences, f)
		return nil
	})
}

type alertBlock struct {
	partition proto.ColInt32
	offset    proto.ColInt64
	value     rows.Strings
}

// rejectedTopic compares the rejected topic with its table.
func (v *verification) rejectedTopic(ctx context.Context) error {
	v.step("comparing the rejected topic", 0)
	b := newRejectedBlock()
	err := v.readTopic(ctx, v.topics.Rejected, v.rejectedBegins, v.rejectedEnds, "rejected", b.input, b.add)
	if err != nil {
		return err
	}
	return v.query(ctx, "rejected_topic", func(scan func(...any) error) error {
		var f Finding
		var places [][]int64
		if err := scan(&f.Kind, &f.Total, &places); err != nil {
			return err
		}
		f.Kind = rejectedKinds[f.Kind]
		for _, p := range places {
			f.Samples = append(f.Samples, fmt.Sprintf("%d/%d of the rejected topic", p[0], p[1]))
		}
		v.report.Differences = append(v.report.Differences, f)
		return nil
	})
}

// rejectedBlock is records of the rejected topic, with their headers.
type rejectedBlock struct {
	partition, originPartition proto.ColInt32
	offset, position           proto.ColInt64
	key, value                 rows.Strings
	texts                      [6]rows.Strings
	input                      proto.Input
}

// textHeaders are the headers that are texts.
var textHeaders = [6]string{"reason", "field", "message", "origin_kind", "origin", "origin_request"}

func newRejectedBlock() *rejectedBlock {
	b := &rejectedBlock{}
	b.input = proto.Input{{Name: "kafka_partition", Data: &b.partition}, {Name: "kafka_offset", Data: &b.offset}}
	for i, name := range textHeaders {
		b.input = append(b.input, proto.InputColumn{Name: name, Data: &b.texts[i]})
	}
	b.input = append(b.input, proto.InputColumn{Name: "key", Data: &b.key}, proto.InputColumn{Name: "value", Data: &b.value},
		proto.InputColumn{Name: "origin_partition", Data: &b.originPartition}, proto.InputColumn{Name: "origin_position", Data: &b.position})
	return b
}

// add reads the headers as docs/events.md says they are written. A record without
// an origin is its own.
func (b *rejectedBlock) add(r *kgo.Record) int {
	header := make(map[string]string, len(r.Headers))
	for _, h := range r.Headers {
		header[h.Key] = string(h.Value)
	}
	partition, _ := strconv.ParseInt(header["origin_partition"], 10, 32)
	position, err := strconv.ParseInt(header["origin_position"], 10, 64)
	if _, named := header["origin"]; err != nil || !named || header["origin_kind"] == "" {
		header["origin_kind"], header["origin"], header["origin_request"] = "topic", r.Topic, ""
		partition, position = int64(r.Partition), r.Offset
	}
	for i, name := range textHeaders {
		b.texts[i].Append(header[name])
	}
	b.partition, b.offset = append(b.partition, r.Partition), append(b.offset, r.Offset)
	b.originPartition, b.position = append(b.originPartition, int32(partition)), append(b.position, position)
	b.key.AppendBytes(r.Key)
	b.value.AppendBytes(r.Value)
	return len(r.Key) + len(r.Value)
}

// readTopic sends the records of a topic through the statement that stores them.
func (v *verification) readTopic(ctx context.Context, topic string, begins, ends broker.Offsets, file string, input proto.Input, add func(*kgo.Record) int) error {
	text, err := files.ReadFile("sql/" + file + ".sql")
	if err != nil {
		return err
	}
	bytes := 0
	send := func() error {
		n := input[0].Data.Rows()
		if n == 0 {
			return nil
		}
		err := warehouse.Do(ctx, v.client, ch.Query{Body: string(text), Input: input,
			Parameters: ch.Parameters(map[string]any{file: v.tables.name(file)})})
		if err != nil {
			return fmt.Errorf("store %d records of topic %s to compare: %w", n, topic, err)
		}
		resetInput(input)
		bytes = 0
		return nil
	}
	err = v.Broker.ReadLog(ctx, topic, begins, ends, func(r *kgo.Record) error {
		if bytes += add(r); bytes >= blockBytes || input[0].Data.Rows() >= blockRows {
			return send()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return send()
}
