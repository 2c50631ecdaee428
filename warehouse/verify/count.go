package verify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
)

// Up to so many events of a rule, the windows of all products are followed event
// by event; of larger logs those of products with an alert or a window that
// qualifies when it closes, and of one in followedOf others: to follow an event
// costs several times as much as to count it.
var followedWhole = int64(500_000)

const followedOf = 16

// followedAtATime is how many events, each in every one of its windows, are
// followed at a time.
const followedAtATime = 4_000_000

// counting is the counting of one rule's windows.
type counting struct {
	v      *verification
	r      ruled
	name   string
	counts []uint16 // the types that its condition and its alerts are made of
	params []any
	after  int64 // its windows start after this time
	upTo   int64 // and up to this one
}

// countWindows finds the windows of each rule that qualify when they close, those
// that do so at some time, and whose episodes they join.
func (v *verification) countWindows(ctx context.Context) error {
	v.step("finding when windows close", 0)
	if err := v.marks(ctx); err != nil {
		return err
	}
	if err := v.exec(ctx, "closes"); err != nil {
		return err
	}
	for n := range v.rules {
		c := v.counting(n)
		rows, err := c.count(ctx)
		if err != nil {
			return err
		}
		if rows == 0 {
			continue
		}
		if err := c.follow(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) counting(n int) *counting {
	c := &counting{v: v, r: v.rules[n], name: event.RuleName(v.definitions[n])}
	view, purchase := v.number(event.TypeView), v.number(event.TypePurchase)
	c.counts = []uint16{view, purchase}
	for _, t := range c.r.set.Counts(c.r.index) {
		if n := v.number(t); !slices.Contains(c.counts, n) {
			c.counts = append(c.counts, n)
		}
	}
	needs := uint16(0) // the sum of all
	column, more := c.r.set.Needs(c.r.index)
	if column >= 0 {
		needs = v.number(c.r.set.Types()[column])
	}
	c.params = []any{
		clickhouse.Named("rule", uint32(n+1)), clickhouse.Named("counts", c.counts),
		clickhouse.Named("view", view), clickhouse.Named("purchase", purchase),
		clickhouse.Named("needs", needs), clickhouse.Named("more", more),
		clickhouse.Named("window", c.r.window), clickhouse.Named("slide", c.r.slide), clickhouse.Named("span", c.r.window),
	}
	c.after, c.upTo = v.judges(v.definitions[n])
	return c
}

// number is the place of an event type among those that are counted.
func (v *verification) number(eventType string) uint16 {
	return uint16(slices.Index(v.types, eventType) + 1)
}

// condition is the rule's condition, with the count of each type as it is called.
func (c *counting) condition(called func(number uint16) string) string {
	types := c.r.set.Types()
	return c.r.set.SQL(c.r.index, func(column int) string { return called(c.v.number(types[column])) })
}

// count finds the windows that qualify when they close, and says how many events
// the rule counts.
func (c *counting) count(ctx context.Context) (int64, error) {
	condition := c.condition(func(number uint16) string { return fmt.Sprintf("sumIf(n, type = %d)", number) })
	times, rows, err := c.v.spansOf(ctx, "times", c.r.window, countedAtATime, c.params...)
	if err != nil {
		return 0, err
	}
	c.v.step("counting the windows of "+c.name, rows)
	return rows, c.each(ctx, times, countedAtATime, "count", "$condition", condition)
}

// follow finds the windows that qualify after some event, and those whose episodes
// they join.
func (c *counting) follow(ctx context.Context, rows int64) error {
	every := uint64(1)
	if rows > followedWhole {
		every = followedOf
	}
	if err := c.v.exec(ctx, "chosen", append([]any{clickhouse.Named("every", every)}, c.params...)...); err != nil {
		return err
	}
	most := max(1, followedAtATime/(c.r.window/c.r.slide))
	times, rows, err := c.v.spansOf(ctx, "chosen_times", c.r.window, most, c.params...)
	if err != nil {
		return err
	}
	var names, running []string
	for _, number := range c.counts {
		names = append(names, fmt.Sprintf("n%d", number))
		running = append(running, fmt.Sprintf("arrayCumSum(arrayMap(e -> e.2 = %d, events))", number))
	}
	condition := c.condition(func(number uint16) string { return fmt.Sprintf("n%d", number) })
	c.v.step("following the windows of "+c.name, rows)
	err = c.each(ctx, times, most, "qualified", "$condition", condition, "$names", strings.Join(names, ", "), "$running", strings.Join(running, ", "))
	if err != nil {
		return err
	}
	text, err := c.v.text("parents", "$window", strconv.FormatInt(c.r.window, 10))
	if err != nil {
		return err
	}
	return c.v.execText(ctx, "parents", text, c.params...)
}

// each executes a statement over the windows of the rule, by spans of time with
// at most so many events, and by product where one has more.
func (c *counting) each(ctx context.Context, times []span, most int64, file string, fill ...string) error {
	if len(times) == 0 {
		return nil
	}
	open, err := c.v.text("open")
	if err != nil {
		return err
	}
	text, err := c.v.text(file, append(fill, "$open", open)...)
	if err != nil {
		return err
	}
	covered := max(times[0].from-c.r.window, c.after+1)
	for _, t := range times {
		// With the windows that begin before its first event.
		t.from = max(covered, t.from-c.r.window)
		covered = max(covered, t.to)
		t.to = min(t.to, c.upTo+1)
		if t.from >= t.to {
			continue // another rule judges these
		}
		parts := slicesOf(t.rows, most)
		for part := range parts {
			if err := c.v.execText(ctx, file, text, append(append(sliceParams(parts, part), t.params()...), c.params...)...); err != nil {
				return err
			}
			c.v.advance(t.rows / parts)
		}
	}
	return nil
}
