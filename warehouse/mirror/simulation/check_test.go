package simulation_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
)

// commits are all tries to commit, as the broker gets them.
type commits struct {
	mu  sync.Mutex
	all []commit
}

type commit struct {
	place       // offset is what was committed: all before it has to be stored
	at    int64 // on the server's clock
}

type nameOrID struct {
	name string
	id   [16]byte
}

// watch notes the commits that reach a cluster. They name a topic or its id.
func (c *commits) watch(w *world) error {
	topics := w.observer.Topics()
	details, err := kadm.NewClient(w.observer.Client).ListTopics(w.t.Context(), topics.Events, topics.Alerts, topics.Rejected)
	if err != nil {
		return err
	}
	tables := make(map[nameOrID]string)
	for topic, d := range details {
		tables[nameOrID{name: topic}], tables[nameOrID{id: d.ID}] = w.tableOf(topic), w.tableOf(topic)
	}
	w.cluster.ControlKey(kmsg.OffsetCommit.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		at := w.server.tick()
		req := r.(*kmsg.OffsetCommitRequest)
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, t := range req.Topics {
			for _, p := range t.Partitions {
				c.all = append(c.all, commit{place{tables[nameOrID{t.Topic, t.TopicID}], strconv.Itoa(int(p.Partition)), p.Offset}, at})
			}
		}
		return nil, nil, false
	})
	return nil
}

// check looks at everything, at a moment when all is said to be stored.
func (w *world) check(ctx context.Context) {
	rejected, err := w.readRejected(ctx)
	if err != nil {
		w.Errorf("read the rejected topic: %v", err)
		return
	}
	w.truth.mu.Lock()
	defer w.truth.mu.Unlock()
	for _, err := range w.truth.refused {
		w.Errorf("the simulation is wrong: %v", err)
	}
	missing := w.checkGaps()
	w.checkCommits(rejected, missing)
	w.checkRows("event_log", w.truth.rows, missing)
	w.checkRows("alert_log", w.truth.rows, missing)
	w.checkRows("rejected_log", rejected, missing)
	w.checkRejected(rejected, missing)
}

// checkGaps makes sure that the recorded gaps are of deleted records (M6). It
// returns what says whether a record is in one. Such a record may be stored all
// the same, by an instance that had read it.
func (w *world) checkGaps() (missing func(place) bool) {
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	gaps := make(map[place][]broker.Gap)
	for _, g := range w.server.gaps {
		partition := place{w.tableOf(g.Topic), strconv.Itoa(int(g.Partition)), 0}
		gaps[partition] = append(gaps[partition], g)
		if g.Reason != broker.Retention || g.To > w.truth.deleted[partition] {
			w.Errorf("M6: a gap is recorded where nothing was deleted: %+v, and up to %d was", g, w.truth.deleted[partition])
		}
	}
	return func(p place) bool {
		return slices.ContainsFunc(gaps[place{p.table, p.partition, 0}], func(g broker.Gap) bool { return g.From <= p.offset && p.offset < g.To })
	}
}

// readRejected reads the rejected topic as it is.
func (w *world) readRejected(ctx context.Context) (map[place]row, error) {
	topic := w.observer.Topics().Rejected
	ends, err := w.observer.EndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	rows := make(map[place]row)
	err = w.observer.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		rows[place{"rejected_log", fmt.Sprint(r.Partition), r.Offset}] = rejectedRow(r)
		return nil
	})
	return rows, err
}

// checkCommits makes sure that no commit was ahead of a stored row (M2).
func (w *world) checkCommits(rejected map[place]row, missing func(place) bool) {
	w.commits.mu.Lock()
	defer w.commits.mu.Unlock()
	needed := make(map[place][]int64) // offsets that have rows, by partition
	for _, rows := range []map[place]row{w.truth.rows, rejected} {
		for p := range rows {
			partition := place{p.table, p.partition, 0}
			needed[partition] = append(needed[partition], p.offset)
		}
	}
	for _, offsets := range needed {
		slices.Sort(offsets)
	}
	w.committed += len(w.commits.all)
	for _, c := range w.commits.all {
		for _, offset := range needed[place{c.table, c.partition, 0}] {
			if offset >= c.offset {
				break
			}
			needed := place{c.table, c.partition, offset}
			if at, is := w.server.firstStored(needed); (!is || at > c.at) && !missing(needed) {
				w.Errorf("M2: offset %d of %s-%s was committed before the row of offset %d was stored", c.offset, c.table, c.partition, offset)
				break
			}
		}
	}
	w.commits.all = nil
}

// checkRows compares a table with what it has to hold, as it is and as its view
// shows it (M1).
func (w *world) checkRows(table string, truth map[place]row, missing func(place) bool) {
	schema := schemas[table]
	want := make(map[string]row)
	for p, r := range truth {
		if p.table != table {
			continue
		}
		if _, is := w.server.firstStored(p); !is && missing(p) {
			continue
		}
		id := schema.identity(r)
		if old, is := want[id]; !is || schema.wins(r, old) {
			want[id] = r
		}
	}
	for _, r := range w.server.all(table) {
		p := placeOf(table, r)
		if is, known := truth[p]; !known {
			w.Errorf("M1: table %s has a row of %s/%d, where no such record is: %q", table, p.partition, p.offset, r)
		} else if is.text() != r.text() {
			w.Errorf("M1: table %s has another row of %s/%d than the record: %q, want %q", table, p.partition, p.offset, r, is)
		}
	}
	got := w.server.view(table)
	for id, r := range want {
		switch shown, is := got[id]; {
		case !is:
			w.Errorf("M1: table %s lacks the record at %v: %q", table, placeOf(table, r), r)
		case !schema.same(shown, r):
			w.Errorf("M1: table %s shows %q, want %q", table, shown, r)
		}
	}
	for id, r := range got {
		if _, is := want[id]; !is {
			w.Errorf("M1: table %s shows what is not in its topic: %q", table, r)
		}
	}
}

// checkRejected makes sure that the rejected topic holds the invalid records and
// no others (E1). Copies are one row.
func (w *world) checkRejected(rejected map[place]row, missing func(place) bool) {
	topics := w.observer.Topics()
	found := make(map[place]row)
	for _, r := range rejected {
		origin := of(rejectedColumns, r, "origin")
		if of(rejectedColumns, r, "origin_kind") == "topic" && origin != topics.Rejected {
			found[place{w.tableOf(origin), of(rejectedColumns, r, "origin_partition"), number(of(rejectedColumns, r, "origin_position"))}] = r
		}
	}
	for p, i := range w.truth.invalid {
		r, is := found[p]
		switch {
		case !is && missing(p):
		case !is:
			w.Errorf("E1: the invalid record at %v is not in the rejected topic: %q", p, i.value)
		case of(rejectedColumns, r, "value") != string(i.value) || of(rejectedColumns, r, "key") != string(i.key) || of(rejectedColumns, r, "reason") != string(i.reason):
			w.Errorf("E1: the record at %v was rejected as %q, want %s of key %q and value %q", p, r, i.reason, i.key, i.value)
		}
	}
	for p := range maps.Keys(found) {
		if _, is := w.truth.invalid[p]; !is {
			w.Errorf("E1: the record at %v was rejected, but it is valid", p)
		}
	}
}

// lag is how much is not committed.
func (w *world) lag(ctx context.Context) (left int64, err error) {
	topics := w.observer.Topics()
	for _, topic := range []string{topics.Events, topics.Alerts, topics.Rejected} {
		ends, err := w.observer.EndOffsets(ctx, topic)
		if err != nil {
			return 0, err
		}
		var starts broker.Offsets
		if starts, err = w.observer.StartOffsets(ctx, topic); err != nil {
			return 0, err
		}
		committed, err := w.observer.CommittedOffsets(ctx, tableSet.Group(w.observer), topic)
		if err != nil {
			return 0, err
		}
		for p, end := range ends {
			left += max(0, end-max(starts[p], committed[p].Offset))
		}
	}
	return left, nil
}
