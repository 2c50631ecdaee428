package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/broker"
)

// How often a run keeps how far it has come, and how long one that has not ended
// itself, but was killed, keeps nothing until another goes on with it.
var (
	saveAfter = int64(1_000_000) // records
	killed    = 10 * time.Minute
)

// state is how far a run has come. What it has found up to there is in its tables.
type state struct {
	begins, ends broker.Offsets
	storedTo     int64          // rows of the time before are in stored
	next         broker.Offsets // the log is compared up to here
	lastValues   broker.Offsets // where its last record with a value is, before next
	matched      uint64
}

// key says what is verified: a run goes on only with one of the same.
func (v *verification) key(ctx context.Context) (string, error) {
	set, err := v.Warehouse.TableSet(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("2 %s %s %s %d", set, v.topics.Events, strings.Join(v.types, ","), v.Since.UnixMilli()), nil
}

// resume takes over the tables of a run that was interrupted, and says whether
// there was one.
func (v *verification) resume(ctx context.Context) (bool, error) {
	key, err := v.key(ctx)
	if err != nil {
		return false, err
	}
	var names []string
	err = v.query(ctx, "runs", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	}, clickhouse.Named("prefix", prefix))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		old := tables{strings.TrimSuffix(name, "_progress")}
		var s state
		var text string
		var released bool
		var age float64
		var begins, ends, next, lastValues []int64
		err := v.query(ctx, "saved", func(scan func(...any) error) error {
			return scan(&text, &released, &age, &begins, &ends, &s.storedTo, &next, &lastValues, &s.matched)
		}, clickhouse.Named("name", name))
		if err != nil || text != key || !(released || age > killed.Seconds()) || len(ends) != len(v.ends) {
			continue // of something else, in use, or dropped meanwhile
		}
		s.begins, s.ends, s.next, s.lastValues = offsetsOf(begins), offsetsOf(ends), offsetsOf(next), offsetsOf(lastValues)
		if err := v.takeOver(ctx, old); err != nil {
			v.Log.Debug().Err(err).Msg("another verify has taken over an interrupted one")
			continue
		}
		v.state, v.saved, v.begins, v.ends = s, s, s.begins, s.ends
		v.report.Begins, v.report.Ends = v.begins, v.ends
		v.state.next, v.state.lastValues = maps.Clone(s.next), maps.Clone(s.lastValues)
		return true, v.cut(ctx)
	}
	return false, nil
}

// takeOver gives an interrupted run's tables our names. Only one of several that
// try can.
func (v *verification) takeOver(ctx context.Context, old tables) error {
	var renames []string
	for _, table := range ours {
		// Names of ours: they need no quoting.
		renames = append(renames, old.name(table)+" TO "+v.tables.name(table))
	}
	return v.Warehouse.Conn().Exec(ctx, "RENAME TABLE "+strings.Join(renames, ", "))
}

// cut takes out what the interrupted run has written after it last kept how far
// it had come, and what is made of the rest.
func (v *verification) cut(ctx context.Context) error {
	for _, table := range []string{"decoded", "judged", "eras", "marks", "closes", "expected", "chosen", "qualified", "parents", "emitted", "rejected"} {
		if err := v.Warehouse.Conn().Exec(ctx, "TRUNCATE TABLE {name:Identifier}", clickhouse.Named("name", v.tables.name(table))); err != nil {
			return fmt.Errorf("empty table %s: %w", v.tables.name(table), err)
		}
	}
	for _, table := range []string{"rest", "wrong", "ticks", "changes"} {
		if err := v.exec(ctx, "cut", clickhouse.Named("name", v.tables.name(table)), clickhouse.Named("next", listOf(v.state.next))); err != nil {
			return err
		}
	}
	return v.exec(ctx, "cut_stored", clickhouse.Named("stored_to", v.state.storedTo))
}

// save keeps how far the run has come: all of it has to be in the tables.
func (v *verification) save(ctx context.Context) error {
	s := v.state
	s.next, s.lastValues = maps.Clone(s.next), maps.Clone(s.lastValues)
	if err := v.write(ctx, s, false); err != nil {
		return err
	}
	v.saved = s
	return nil
}

// write keeps a state. released says that the run ends there.
func (v *verification) write(ctx context.Context, s state, released bool) error {
	key, err := v.key(ctx)
	if err != nil {
		return err
	}
	return v.exec(ctx, "save", clickhouse.Named("key", key), clickhouse.Named("released", released), clickhouse.Named("stored_to", s.storedTo),
		clickhouse.Named("next", listOf(s.next)), clickhouse.Named("last_values", listOf(s.lastValues)), clickhouse.Named("matched", s.matched))
}

// release ends a run that was interrupted so that the next one goes on with it.
func (v *verification) release(ctx context.Context) error {
	if len(v.saved.next) == 0 {
		return errors.New("nothing is kept yet")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return v.write(ctx, v.saved, true)
}

func listOf(offsets broker.Offsets) []int64 {
	all := make([]int64, len(offsets))
	for p := range all {
		all[p] = offsets[int32(p)]
	}
	return all
}

func offsetsOf(list []int64) broker.Offsets {
	offsets := make(broker.Offsets, len(list))
	for p, o := range list {
		offsets[int32(p)] = o
	}
	return offsets
}
