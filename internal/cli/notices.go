package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/instance"
)

type alertsNoticesCmd struct {
	Limit  int    `default:"20" placeholder:"N" help:"How many of the latest notices to print; 0 for all (${default})."`
	Output string `enum:"text,json" default:"text" help:"text, or json: one notice a line."`
	folderFlags
	engineFlags
}

func (alertsNoticesCmd) Help() string {
	return `Reads the ledger of notices, the topic clickstream_notifications. A notice is waiting (it has not been sent yet),
sent, failed (the receiver refused it, or did not take it for too long), silenced, or too_old (its window had ended long
before).

Examples:
  clickstream alerts notices
  clickstream alerts notices --limit 1000 --output json`
}

// shownNotice is a notice as it is printed.
type shownNotice struct {
	At        time.Time      `json:"at"` // of its result, or of its intent
	Episode   string         `json:"episode_id"`
	Product   string         `json:"product_id"`
	Rule      string         `json:"rule"`
	Notice    broker.Notice  `json:"notice"`
	Receiver  string         `json:"receiver"`
	Outcome   broker.Outcome `json:"outcome"`
	Attempts  int            `json:"attempts"`
	Reason    string         `json:"reason,omitempty"`
	AckedBy   string         `json:"acknowledged_by,omitempty"` // of the episode
	AckedAt   time.Time      `json:"acknowledged_at,omitzero"`
	AckReason string         `json:"acknowledged_reason,omitempty"`
}

// waiting is shown of a notice without a result.
const waiting broker.Outcome = "waiting"

func (c *alertsNoticesCmd) Run(ctx context.Context, t *terminal) error {
	if c.Limit < 0 {
		return usagef("limit is %d: give 0 or more", c.Limit)
	}
	return useInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		notices, err := readNotices(ctx, p)
		if err != nil {
			return err
		}
		if c.Limit > 0 {
			notices = notices[max(len(notices)-c.Limit, 0):]
		}
		if c.Output == "json" {
			for _, n := range notices {
				if err := printJSON(t, n); err != nil {
					return err
				}
			}
			return nil
		}
		if len(notices) == 0 {
			fmt.Fprintln(t.out, "no notices")
			return nil
		}
		var rows [][]string
		for _, n := range notices {
			rows = append(rows, []string{n.At.Format(time.RFC3339), n.Episode[:min(len(n.Episode), 8)], n.Product, n.Rule, string(n.Notice),
				n.Receiver, string(n.Outcome), count(n.Attempts), n.AckedBy, n.Reason})
		}
		table(t.out, []string{"AT", "EPISODE", "PRODUCT", "RULE", "NOTICE", "RECEIVER", "OUTCOME", "ATTEMPTS", "ACKNOWLEDGED", "REASON"}, rows)
		return nil
	})
}

// readNotices are the notices on the ledger, the newest last.
func readNotices(ctx context.Context, p *instance.Pipeline) ([]shownNotice, error) {
	found := make(map[string]shownNotice)
	acks := make(map[string]broker.LedgerEntry)
	err := p.Broker.ReadLedger(ctx, func(_ int32, e broker.LedgerEntry) error {
		key := e.NoticeKey() + "/" + e.Receiver
		was, known := found[key]
		switch {
		case e.Kind == broker.LedgerAck:
			acks[e.EpisodeID] = e
			return nil
		case e.Kind != broker.LedgerIntent && e.Kind != broker.LedgerResult:
			return nil
		case known && was.Outcome != waiting:
			return nil // the first result counts
		}
		n := shownNotice{At: e.At, Episode: e.EpisodeID, Product: e.ProductID, Rule: e.Rule, Notice: e.Notice, Receiver: e.Receiver, Outcome: e.Outcome, Attempts: e.Attempts, Reason: e.Reason}
		if e.Kind == broker.LedgerIntent {
			n.Outcome = waiting
		}
		found[key] = n
		return nil
	})
	var notices []shownNotice
	for _, n := range found {
		if ack, ok := acks[n.Episode]; ok {
			n.AckedBy, n.AckedAt, n.AckReason = ack.By, ack.At, ack.Reason
		}
		notices = append(notices, n)
	}
	slices.SortFunc(notices, func(a, b shownNotice) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Episode, b.Episode), strings.Compare(string(b.Notice), string(a.Notice)), strings.Compare(a.Receiver, b.Receiver))
	})
	return notices, err
}
