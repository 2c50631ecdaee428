package health

import (
	"context"
	"fmt"
	"slices"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// askGaps reads the gaps that no person has accepted, and accepts them where the
// Config says so.
func (c *check) askGaps(ctx context.Context) error {
	all, err := c.tables.Gaps(ctx)
	if err != nil {
		return err
	}
	gaps := slices.DeleteFunc(all, func(g warehouse.Gap) bool { return g.AcceptedAt != nil })
	if by := c.cfg.AcceptGaps; by != "" {
		if gaps, err = c.tables.AcceptGaps(ctx, by, gaps); err != nil {
			return err
		}
	}
	c.report.Gaps = append(c.report.Gaps, gaps...)
	return nil
}

// judgeGaps names the gaps that are not accepted, by who noticed them and by topic.
func judgeGaps(gaps []warehouse.Gap, unwell func(format string, args ...any)) {
	type kind struct{ noticedBy, topic string }
	found := make(map[kind][]warehouse.Gap)
	var order []kind
	for _, g := range gaps {
		k := kind{g.NoticedBy, g.Topic}
		if g.AcceptedAt != nil {
			continue
		}
		if found[k] == nil {
			order = append(order, k)
		}
		found[k] = append(found[k], g)
	}
	for _, k := range order {
		first, more := found[k][0], ""
		if n := len(found[k]) - 1; n > 0 {
			more = fmt.Sprintf(" (the first of %d gaps%s)", n+1, missing(found[k]))
		}
		unwell("the %s noticed on %s that %s%s; if their source still has the events, import them again, which repeats nothing; then accept the gaps with clickstream status --accept-gaps",
			k.noticedBy, first.NoticedAt.UTC().Format("2006-01-02 15:04:05"), first.Gap, more)
	}
}

// missing says how many offsets are missing, where that is known.
func missing(gaps []warehouse.Gap) string {
	var sum int64
	for _, g := range gaps {
		if g.Reason == broker.Recreated {
			return ""
		}
		sum += g.To - g.From
	}
	return fmt.Sprintf(", %d offsets in all", sum)
}
