package verify

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/warehouse"
)

// maxSets is how many rule sets may have open windows at once (W8).
const maxSets = 8

// Times before and after all others, with room to calculate.
const (
	earliest = event.Millis(-1 << 60)
	latest   = event.Millis(1 << 60)
)

// era is the windows of a partition that one rule set judges: those that start
// after one time and up to another.
type era struct {
	set         *rules.Set
	after, upTo event.Millis
}

// stretch is the records of a partition from an offset on, up to where the next
// one begins: there the lateness is the same.
type stretch struct {
	from     int64
	lateness event.Millis
}

// following is a partition while the changes of its rules are followed (W8).
type following struct {
	eras      []era
	closed    int // the first eras, which have no open window any more
	stretches []stretch
	eventMark event.Millis // event watermark
	mark      event.Millis
	newest    event.Millis // time of an event that is not in the future
	invalid   uint64       // changes beyond maxSets
}

func follow(set *rules.Set, from int64) *following {
	return &following{
		eras: []era{{set, earliest, latest}}, stretches: []stretch{{from, latenessOf(set)}},
		eventMark: earliest, mark: earliest, newest: earliest,
	}
}

// events takes what the events since the last tick or change come to.
func (f *following) events(reached, newest event.Millis) {
	f.eventMark = max(f.eventMark, reached-f.stretches[len(f.stretches)-1].lateness)
	f.mark = max(f.mark, f.eventMark)
	f.newest = max(f.newest, newest)
}

func (f *following) tick(quiet event.Millis) {
	if f.eventMark > earliest {
		f.mark = max(f.mark, f.eventMark+quiet)
	}
}

// change takes the record at an offset that puts a set in force.
func (f *following) change(set *rules.Set, offset int64) {
	last := &f.eras[len(f.eras)-1]
	for f.closed < len(f.eras) && !f.eras[f.closed].open(f.mark) {
		f.closed++
	}
	switch {
	case last.set.Hash() == set.Hash():
		return
	case last.after == f.newest:
		last.set = set // the one before judges no window
	case len(f.eras)-f.closed >= maxSets:
		f.invalid++
		return
	default:
		last.upTo = f.newest
		f.eras = append(f.eras, era{set, f.newest, latest})
	}
	f.stretches = append(f.stretches, stretch{offset, latenessOf(set)})
}

// open says whether a window ends after the watermark.
func (e era) open(mark event.Millis) bool {
	for _, r := range e.set.Rules() {
		slide := event.Millis(r.Slide.Milliseconds())
		if start := e.upTo / slide * slide; start > e.after && start+event.Millis(r.Window.Milliseconds()) > mark {
			return true
		}
	}
	return false
}

func latenessOf(set *rules.Set) event.Millis { return event.Millis(set.Lateness().Milliseconds()) }

// ruled is one rule that judges windows of the log, in every set that has it with
// the same definition.
type ruled struct {
	set           *rules.Set
	index         int // in the set
	slide, window int64
}

// followRules finds which windows each rule judges.
func (v *verification) followRules(ctx context.Context) error {
	v.step("finding which rules judge which windows", 0)
	v.parts = make(map[int32]*following)
	for p := range v.ends {
		set, err := v.sets.Lookup(v.sets.InForce(p, v.begins[p]))
		if err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
		v.parts[p] = follow(set, v.begins[p])
	}
	err := v.query(ctx, "before_changes", func(scan func(...any) error) error {
		var partition int32
		var offset, quiet, reached, newest int64
		var hash string
		if err := scan(&partition, &offset, &hash, &quiet, &reached, &newest); err != nil {
			return err
		}
		f := v.parts[partition]
		if reached > 0 { // there are events
			f.events(event.Millis(reached), newestOf(newest))
		}
		if hash == "" {
			f.tick(event.Millis(quiet))
			return nil
		}
		v.report.RuleChanges++
		set, err := v.sets.Lookup(hash)
		if err != nil {
			return fmt.Errorf("partition %d, offset %d: %w", partition, offset, err)
		}
		f.change(set, offset)
		return nil
	})
	if err != nil {
		return err
	}
	invalid := Finding{Kind: "rule_changes_not_valid", Samples: []string{}}
	for _, f := range v.parts {
		invalid.Total += f.invalid
	}
	if invalid.Total > 0 {
		v.report.Notes = append(v.report.Notes, invalid)
	}
	return v.storeEras(ctx)
}

// newestOf is the time of an event, or earliest for 0: there is none.
func newestOf(ms int64) event.Millis {
	if ms == 0 {
		return earliest
	}
	return event.Millis(ms)
}

// storeEras numbers the rules, and stores which windows each judges.
func (v *verification) storeEras(ctx context.Context) error {
	v.rules, v.definitions, v.pane = nil, []string{}, 0
	block := newEraBlock()
	for _, p := range slices.Sorted(maps.Keys(v.parts)) {
		for _, e := range v.parts[p].eras {
			if e.upTo <= e.after {
				continue
			}
			for i, r := range e.set.Rules() {
				definition := e.set.Definition(i)
				n := slices.Index(v.definitions, definition)
				if n < 0 {
					n = len(v.definitions)
					v.definitions = append(v.definitions, definition)
					v.rules = append(v.rules, ruled{e.set, i, r.Slide.Milliseconds(), r.Window.Milliseconds()})
				}
				v.pane = gcd(v.pane, v.rules[n].slide)
				block.add(p, e, n+1, v.rules[n])
			}
		}
	}
	err := warehouse.Do(ctx, v.client, ch.Query{Body: block.input.Into(v.tables.name("eras")), Input: block.input})
	if err != nil {
		return fmt.Errorf("store which windows each rule judges: %w", err)
	}
	return nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// marks finds what each event makes of the watermark: in the first stretches of
// all partitions, in the second ones, and so on.
func (v *verification) marks(ctx context.Context) error {
	for n, more := 0, true; more; n++ {
		more = false
		byLateness := make(map[event.Millis]bool)
		for _, f := range v.parts {
			if n < len(f.stretches) {
				byLateness[f.stretches[n].lateness] = true
				more = more || n+1 < len(f.stretches)
			}
		}
		for lateness := range byLateness {
			from, to := make([]int64, len(v.ends)), make([]int64, len(v.ends))
			for p, f := range v.parts {
				if n >= len(f.stretches) || f.stretches[n].lateness != lateness {
					continue
				}
				from[p], to[p] = f.stretches[n].from, v.ends[p]
				if n+1 < len(f.stretches) {
					to[p] = f.stretches[n+1].from
				}
			}
			err := v.exec(ctx, "marks", clickhouse.Named("lateness", int64(lateness)), clickhouse.Named("from_offsets", from), clickhouse.Named("to_offsets", to))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// judges are the bounds of the windows that a rule judges in any partition: they
// start after one time and up to another.
func (v *verification) judges(definition string) (after, upTo int64) {
	after, upTo = math.MaxInt64, math.MinInt64
	for _, f := range v.parts {
		for _, e := range f.eras {
			for i := range e.set.Rules() {
				if e.set.Definition(i) == definition {
					after, upTo = min(after, int64(e.after)), max(upTo, int64(e.upTo))
				}
			}
		}
	}
	return after, upTo
}
