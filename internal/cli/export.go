package cli

import (
	"bufio"
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/instance"
)

type exportCmd struct {
	folderFlags
	engineFlags
}

func (exportCmd) Help() string {
	return `Prints every record of the event log that is an event, a line each, with the fields that it has there. ingest file
reads what is printed, and gives the events the partitions of the log that it writes to. An event whose partition
is wrong is printed too. How many records were no events is said at the end. docs/operations.md says how a log
gets more partitions that way.

Example:
  clickstream export > events.jsonl`
}

func (c *exportCmd) Run(ctx context.Context, t *terminal) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	cfg := c.instance(t, c.DataDir, instance.JoinOrOpen, t.logger(c.LogLevel))
	cfg.BrokerOnly = true
	eng, err := instance.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)
	client, err := broker.Open(eng.Kafka)
	if err != nil {
		return err
	}
	defer client.Close()
	// The topics are not checked: a log whose partitions have changed is what this
	// is for.
	topic := client.Topics().Events
	ends, err := client.EndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(t.out)
	var decoder event.Decoder
	var e event.Event
	var line []byte
	var events, others int64
	err = client.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		if r.Value == nil {
			return nil // a control record
		}
		if decoder.Decode(r.Value, &e) != nil {
			others++
			return nil //nolint:nilerr // it is counted
		}
		events++
		line = append(e.AppendJSON(line[:0]), '\n')
		_, err := out.Write(line)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("export topic %s: %w", topic, err)
	}
	t.say("%s events of topic %s; %s other records, which the rejected topic has", count(events), topic, count(others))
	return nil
}
