package processor

import (
	"context"
	"fmt"
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

// AccountRow is a view or a purchase of the alert's product with a time in its
// window.
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
	rule, err := event.ParseRule(alert.Rule)
	if err != nil {
		return Account{}, fmt.Errorf("alert %s: %w", alert.ID, err)
	}
	set, err := rules.FlashSale(rule)
	if err != nil {
		return Account{}, fmt.Errorf("alert %s: %w", alert.ID, err)
	}
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
	a := accounting{
		Account:   Account{Partition: n, Cut: from > 0 && from == log.Starts[n], Counted: []AccountRow{}, NotCounted: []AccountRow{}},
		alert:     alert,
		limit:     limit,
		reading:   reading{partitions: int32(len(log.Starts))},
		partition: windows.New(set, from, false),
	}
	a.partition.KeyHashes(hashKey)
	err = cl.ReadLog(ctx, topic, broker.Offsets{n: from}, broker.Offsets{n: end}, a.take)
	return a.Account, err
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
	a.reading.take(p, r)
	now, e := p.Counts(), &a.reading.event
	at := e.Timestamp.Time()
	if now.Events == was.Events || e.ProductID != a.alert.ProductID || e.Type != event.TypeView && e.Type != event.TypePurchase ||
		at.Before(a.alert.WindowStart) || !at.Before(a.alert.WindowEnd) {
		return nil
	}
	row := AccountRow{
		Offset: r.Offset, Timestamp: at, Type: e.Type, EventID: e.ID, UserID: e.UserID, SessionID: e.SessionID, ReceivedAt: r.Timestamp.UTC(),
		Why: a.why(r.Offset, was, now),
	}
	if row.Why != "" {
		a.NotCountedTotal++
		a.NotCounted = a.keep(a.NotCounted, row)
		return nil
	}
	a.CountedTotal++
	a.Counted = a.keep(a.Counted, row)
	if e.Type == event.TypeView {
		a.Views++
	} else {
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
