package verify

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// How many rows a statement works on at a time: its memory grows with them.
const (
	storedAtATime  = 2_000_000 // they pass through: a run that is interrupted loses no more
	judgedAtATime  = 200_000
	idsAtATime     = 2_000_000
	countedAtATime = 2_000_000
)

// span is a span of time that so many rows are in.
type span struct{ from, to, rows int64 }

const (
	hourMillis = 60 * 60 * 1000
	dayMillis  = 24 * hourMillis
)

// spansOf joins spans of the same length, in their order, as long as they do not
// have too many rows together.
func (v *verification) spansOf(ctx context.Context, file string, length, most int64, more ...any) (spans []span, rows int64, err error) {
	err = v.query(ctx, file, func(scan func(...any) error) error {
		var s span
		if err := scan(&s.from, &s.rows); err != nil {
			return err
		}
		s.to = s.from + length
		rows += s.rows
		if last := len(spans) - 1; last >= 0 && spans[last].rows+s.rows <= most {
			spans[last].to, spans[last].rows = s.to, spans[last].rows+s.rows
		} else {
			spans = append(spans, s)
		}
		return nil
	}, more...)
	return spans, rows, err
}

// slicesOf is into how many slices so many rows are cut.
func slicesOf(rows, most int64) int64 { return max(1, (rows+most-1)/most) }

func sliceParams(slices, slice int64) []any {
	return []any{clickhouse.Named("slices", uint64(slices)), clickhouse.Named("slice", uint64(slice))}
}

func (s span) params() []any {
	return []any{clickhouse.Named("from", s.from), clickhouse.Named("to", s.to)}
}

// store puts the rows of the view in the order of the log.
func (v *verification) store(ctx context.Context) error {
	hours, rows, err := v.spansOf(ctx, "hours", hourMillis, storedAtATime)
	if err != nil {
		return err
	}
	v.rows = rows
	v.step("reading the table", rows)
	for _, span := range hours {
		if span.to > v.state.storedTo {
			// The run before has perhaps stored the first of these hours.
			span.from = max(span.from, v.state.storedTo)
			if err := v.exec(ctx, "store", span.params()...); err != nil {
				return err
			}
			v.state.storedTo = span.to
			if err := v.save(ctx); err != nil {
				return err
			}
		}
		v.advance(span.rows)
	}
	return v.query(ctx, "stored", func(scan func(...any) error) error { return scan(&v.stored) })
}

// judge decodes the records that no row repeats and looks for the rows of the
// events among them.
func (v *verification) judge(ctx context.Context) error {
	v.step("decoding what is not as it is in the table", 0)
	if err := v.exec(ctx, "decode"); err != nil {
		return err
	}
	days, rows, err := v.spansOf(ctx, "rest_days", dayMillis, judgedAtATime)
	if err != nil {
		return err
	}
	v.step("comparing events by column", rows)
	for _, day := range days {
		slices := slicesOf(day.rows, judgedAtATime)
		for slice := range slices {
			if err := v.exec(ctx, "judge", append(day.params(), sliceParams(slices, slice)...)...); err != nil {
				return err
			}
			v.advance(day.rows / slices)
		}
	}
	return v.exec(ctx, "wrong")
}
