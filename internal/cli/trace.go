package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/instance"
	"clickstream/processor"
)

type traceCmd struct {
	EventID string `arg:"" help:"The event's id."`
	Output  string `enum:"text,json" default:"text" help:"text or json."`
	folderFlags
	engineFlags
}

func (traceCmd) Help() string {
	return `Shows every event with this id. To find its windows, the command reads the event's partition of the log from a
place before the event up to the event itself.

Example:
  clickstream trace 3f0c9a51-view-17`
}

// traced is an event with the id, as the table event_log has it.
type traced struct {
	Type       string    `json:"event_type" ch:"event_type"`
	Timestamp  time.Time `json:"timestamp" ch:"timestamp"`
	Key        string    `json:"key" ch:"kafka_key"`
	Partition  int32     `json:"partition" ch:"kafka_partition"`
	Offset     int64     `json:"offset" ch:"kafka_offset"`
	ReceivedAt time.Time `json:"received_at" ch:"received_at"`
	// Rows is the number of rows of this identity: one, and one more for each
	// duplicate that has not merged yet.
	Rows uint64 `json:"rows" ch:"rows"`
	// Windows are those it counted in, or why it counted in none.
	Windows processor.Explanation `json:"windows"`
}

// rejectedRecord is a rejected record whose bytes contain the id.
type rejectedRecord struct {
	Reason    string    `json:"reason" ch:"reason"`
	Field     string    `json:"field" ch:"field"`
	Message   string    `json:"message" ch:"message"`
	Origin    string    `json:"origin" ch:"origin"`
	Partition int32     `json:"origin_partition" ch:"origin_partition"`
	Position  int64     `json:"origin_position" ch:"origin_position"`
	At        time.Time `json:"received_at" ch:"received_at"`
}

func (c *traceCmd) Run(ctx context.Context, t *terminal) error {
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) (err error) {
		found := struct {
			Events   []traced         `json:"events"`
			Rejected []rejectedRecord `json:"rejected"`
		}{[]traced{}, []rejectedRecord{}}
		conn, id := p.Warehouse.Conn(), clickhouse.Named("id", c.EventID)
		if err := conn.Select(ctx, &found.Events, query("trace_events"), id); err != nil {
			return fmt.Errorf("read the event: %w", err)
		}
		if err := conn.Select(ctx, &found.Rejected, query("trace_rejected"), id); err != nil {
			return fmt.Errorf("read the rejected events: %w", err)
		}
		for i := range found.Events {
			e := &found.Events[i]
			if e.Windows, err = processor.Explain(ctx, p.Broker, e.Partition, e.Offset); err != nil {
				return err
			}
		}
		if c.Output == "json" {
			enc := json.NewEncoder(t.out)
			enc.SetIndent("", "  ")
			if err := enc.Encode(found); err != nil {
				return err
			}
		} else {
			printTrace(t, c.EventID, found.Events, found.Rejected)
		}
		if len(found.Events)+len(found.Rejected) == 0 {
			return silentError{}
		}
		return nil
	})
}

func printTrace(t *terminal, id string, events []traced, rejected []rejectedRecord) {
	for _, e := range events {
		fmt.Fprintf(t.out, "%s of %s at %s: partition %d, offset %d, received %s, %s row(s)\n", printable(e.Type), printable(e.Key),
			e.Timestamp.UTC().Format(time.RFC3339Nano), e.Partition, e.Offset, e.ReceivedAt.UTC().Format(time.RFC3339Nano), count(e.Rows))
		fmt.Fprintf(t.out, "  %s\n", printable(e.Windows.String()))
	}
	for _, r := range rejected {
		fmt.Fprintf(t.out, "rejected %s %s: %s %s (%s; partition %d, position %d)\n",
			r.At.UTC().Format(time.RFC3339), printable(r.Reason), printable(r.Field), printable(strings.TrimSpace(r.Message)), printable(r.Origin), r.Partition, r.Position)
	}
	if len(events)+len(rejected) == 0 {
		fmt.Fprintf(t.out, "no event with the id %q is stored, and no rejected record contains it\n", id)
	}
}
