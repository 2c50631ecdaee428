package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
)

// countWindows finds the windows that qualify when they close, of each rule.
func (v *verification) countWindows(ctx context.Context) error {
	v.step("finding when windows close", 0)
	if err := v.marks(ctx); err != nil {
		return err
	}
	if err := v.exec(ctx, "closes"); err != nil {
		return err
	}
	text, err := files.ReadFile("sql/count.sql")
	if err != nil {
		return err
	}
	for n := range v.rules {
		if err := v.countRule(ctx, n, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// countRule counts the windows of one rule.
func (v *verification) countRule(ctx context.Context, n int, text string) error {
	r := v.rules[n]
	types := r.set.Types()
	number := func(column int) uint16 { return v.number(types[column]) }
	// The columns that the condition and the alert are made of.
	counts := []uint16{v.number(event.TypeView), v.number(event.TypePurchase)}
	for _, t := range r.set.Counts(r.index) {
		if n := v.number(t); !slices.Contains(counts, n) {
			counts = append(counts, n)
		}
	}
	needs := uint16(0) // the sum of all
	column, more := r.set.Needs(r.index)
	if column >= 0 {
		needs = number(column)
	}
	text = strings.Replace(text, "$condition", r.set.SQL(r.index, func(column int) string {
		return fmt.Sprintf("sumIf(n, type = %d)", number(column))
	}), 1)
	params := []any{
		clickhouse.Named("rule", uint32(n+1)), clickhouse.Named("counts", counts),
		clickhouse.Named("view", v.number(event.TypeView)), clickhouse.Named("purchase", v.number(event.TypePurchase)),
		clickhouse.Named("needs", needs), clickhouse.Named("more", more),
		clickhouse.Named("window", r.window), clickhouse.Named("slide", r.slide),
	}
	times, rows, err := v.spansOf(ctx, "times", r.window, countedAtATime, clickhouse.Named("span", r.window), clickhouse.Named("counts", counts))
	if err != nil || len(times) == 0 {
		return err
	}
	v.step("counting the windows of "+event.RuleName(v.definitions[n]), rows)
	after, upTo := v.judges(v.definitions[n])
	covered := max(times[0].from-r.window, after+1)
	for _, t := range times {
		// With the windows that begin before its first event.
		t.from = max(covered, t.from-r.window)
		covered = max(covered, t.to)
		t.to = min(t.to, upTo+1)
		if t.from >= t.to {
			continue // another rule judges these
		}
		parts := slicesOf(t.rows, countedAtATime)
		for part := range parts {
			if err := v.execText(ctx, "count", text, append(append(sliceParams(parts, part), t.params()...), params...)...); err != nil {
				return err
			}
			v.advance(t.rows / parts)
		}
	}
	return nil
}

// number is the place of an event type among those that are counted.
func (v *verification) number(eventType string) uint16 {
	return uint16(slices.Index(v.types, eventType) + 1)
}
