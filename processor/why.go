package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/windows"
)

// Account is what one version of an alert was counted from.
type Account struct {
	Partition int32 `json:"partition"`
	// Types are the event types that the alert's rule counts.
	Types []string `json:"event_types"`
	// Views and Purchases are counted anew. They are the alert's, unless Cut.
	Views     int `json:"views"`
	Purchases int `json:"purchases"`
	// Cut says that retention has deleted records that may have counted.
	Cut bool `json:"cut"`
	// Counted and NotCounted are at most as many as were asked for, in the order
	// of their offsets; these are how many there are.
	CountedTotal    int          `json:"counted_total"`
	NotCountedTotal int          `json:"not_counted_total"`
	Counted         []AccountRow `json:"counted"`
	NotCounted      []AccountRow `json:"not_counted"`
}

// AccountRow is an event that the rule counts, of the alert's product and with a
// time in its window.
type AccountRow struct {
	Offset     int64     `json:"offset"`
	Timestamp  time.Time `json:"timestamp"`
	Type       string    `json:"event_type"`
	EventID    string    `json:"event_id"`
	UserID     string    `json:"user_id,omitempty"`
	SessionID  string    `json:"session_id,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	// Why it did not count.
	Why string `json:"why,omitempty"`
}

// lateRows is for how long after a window's end, by the receive time, Account
// lists events that came too late for it. Where history is appended to the log,
// all are listed.
const lateRows = time.Hour

// ExplainAlert reads the log again and lists the events that the alert's version
// was counted from, and those of its product and window that did not count. Of
// each it keeps at most limit, or all where limit is 0.
//
// It reads from event.FutureAfter before the window began. What was received
// earlier cannot count in the window, and the watermark that it gave lies before
// the window's end. From the first event that counts in the window the event
// watermark is known, and with it what later ticks mean.
func ExplainAlert(ctx context.Context, cl *broker.Client, alert event.Alert, limit int) (Account, error) {
	start := event.MillisOf(alert.WindowStart)
	topic := cl.Topics().Events
	log, err := cl.Extent(ctx, topic)
	if err != nil {
		return Account{}, err
	}
	begins := start - event.FutureAfter
	froms, err := cl.OffsetsSince(ctx, topic, begins.Time())
	if err != nil {
		return Account{}, err
	}
	ends, err := cl.OffsetsSince(ctx, topic, alert.WindowEnd.Add(lateRows))
	if err != nil {
		return Account{}, err
	}
	hashKey, err := cl.HashKey(ctx)
	if err != nil {
		return Account{}, err
	}
	n := event.Partition(alert.ProductID, int32(len(log.Starts)))
	from, end := max(froms[n], log.Starts[n]), ends[n]
	if end < alert.Version { // the events are history that was appended later
		end = log.Ends[n]
	}
	sets, err := readRuleSets(ctx, cl)
	if err != nil {
		return Account{}, err
	}
	j, err := sets.judging(alert, n, from, end)
	if err != nil {
		return Account{}, fmt.Errorf("alert %s: %w", alert.ID, err)
	}
	a := accounting{
		Account: Account{
			Partition: n, Types: j.types, Cut: from > 0 && from == log.Starts[n], Counted: []AccountRow{}, NotCounted: []AccountRow{},
		},
		alert:     alert,
		limit:     limit,
		reading:   reading{partitions: int32(len(log.Starts)), sets: j.changes},
		partition: windows.New(j.first, from, false),
	}
	a.partition.KeyHashes(hashKey)
	err = cl.ReadLog(ctx, topic, broker.Offsets{n: from}, broker.Offsets{n: end}, a.take)
	return a.Account, err
}

// judging is what an alert's window is counted again by.
type judging struct {
	types   []string   // that its rule counts
	first   *rules.Set // in force where the reading begins
	changes *ruleSets  // nil: the first judges alone
}

// judging finds the rule of an alert and what judges its window in the offsets from
// and end of a partition: the rules in force there, as long as they include the
// alert's. An alert of an older version may be of a rule that was never put in force.
func (r *ruleSets) judging(alert event.Alert, n int32, from, end int64) (judging, error) {
	set, rule, ok := r.defining(alert.Rule)
	if !ok {
		flags, err := event.ParseRule(alert.Rule)
		if err != nil {
			return judging{}, errors.New("no rule set in the rules topic has its rule, " + alert.Rule)
		}
		if set, err = rules.FlashSale(flags); err != nil {
			return judging{}, err
		}
	}
	j := judging{types: set.Counts(rule), first: set}
	first, err := r.inForce(n, from)
	if err != nil {
		return judging{}, err
	}
	judges := defines(first, alert.Rule)
	for _, c := range r.known.Load().Changes() {
		if c.Partition == n && c.Offset >= from && c.Offset < end {
			changed, err := r.lookup(c.Hash)
			judges = judges || err == nil && defines(changed, alert.Rule)
		}
	}
	if judges {
		j.first, j.changes = first, r
	}
	return j, nil
}

func defines(set *rules.Set, definition string) bool {
	for i := range set.Rules() {
		if set.Definition(i) == definition {
			return true
		}
	}
	return false
}

// accounting is an Account while the log is read.
type accounting struct {
	Account
	alert     event.Alert
	limit     int
	reading   reading
	partition *windows.Partition
}

func (a *accounting) take(r *kgo.Record) error {
	p := a.partition
	was := p.Counts()
	if err := a.reading.take(p, r); err != nil {
		return err
	}
	now, e := p.Counts(), &a.reading.event
	at := e.Timestamp.Time()
	shown := slices.Contains(a.Types, e.Type)
	if now.Events == was.Events || e.ProductID != a.alert.ProductID || !shown && e.Type != event.TypeView && e.Type != event.TypePurchase ||
		at.Before(a.alert.WindowStart) || !at.Before(a.alert.WindowEnd) {
		return nil
	}
	row := AccountRow{
		Offset: r.Offset, Timestamp: at, Type: e.Type, EventID: e.ID, UserID: e.UserID, SessionID: e.SessionID, ReceivedAt: r.Timestamp.UTC(),
		Why: a.why(r.Offset, was, now),
	}
	switch {
	case row.Why != "" && shown:
		a.NotCountedTotal++
		a.NotCounted = a.keep(a.NotCounted, row)
	case row.Why == "" && shown:
		a.CountedTotal++
		a.Counted = a.keep(a.Counted, row)
	}
	switch {
	case row.Why != "":
	case e.Type == event.TypeView:
		a.Views++
	case e.Type == event.TypePurchase:
		a.Purchases++
	}
	return nil
}

func (a *accounting) keep(rows []AccountRow, row AccountRow) []AccountRow {
	if a.limit > 0 && len(rows) >= a.limit {
		return rows
	}
	return append(rows, row)
}

// why says why the record that was taken last did not count in the alert's
// window, or nothing where it did.
func (a *accounting) why(offset int64, was, now windows.Counts) string {
	switch {
	case now.Future > was.Future:
		return "future: it is more than 5 minutes ahead of the time when it was received"
	case a.partition.Watermark() >= event.MillisOf(a.alert.WindowEnd):
		return "late: the window had closed"
	case now.Duplicates > was.Duplicates:
		return "duplicate: a later copy of an event that counted"
	case now.UnrememberedProducts > was.UnrememberedProducts:
		return "unremembered: the partition had more products at that time than are remembered"
	case offset >= a.alert.Version:
		return "after this version of the alert"
	}
	return ""
}
