package simulation_test

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

// truth is what is in the topics, as those who wrote it know.
type truth struct {
	mu      sync.Mutex
	rows    map[place]row      // of acknowledged valid events and alerts
	invalid map[place]invalid  // acknowledged records that are rejected, by their place
	deleted map[place]int64    // by partition, with the offset 0: where it may begin now
	refused []error            // records that the broker did not take
	kinds   map[recordKind]int // how many of each
}

// invalid is a record that breaks a rule.
type invalid struct {
	key, value []byte
	reason     event.Reason
}

func newTruth() *truth {
	return &truth{rows: make(map[place]row), invalid: make(map[place]invalid), deleted: make(map[place]int64), kinds: make(map[recordKind]int)}
}

// written notes an acknowledged record.
func (t *truth) written(table string, r *kgo.Record, w written) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kinds[w.kind]++
	p := place{table, strconv.Itoa(int(r.Partition)), r.Offset}
	if r.Value == nil {
		return
	}
	received := r.Timestamp.UnixMilli()
	switch {
	case w.reason != "":
		t.invalid[p] = invalid{r.Key, r.Value, w.reason}
	case table == "event_log":
		t.rows[p] = eventRow(&w.event, r.Partition, r.Offset, received)
	case table == "alert_log":
		t.rows[p] = alertRow(w.alert, r.Partition, r.Offset, received)
	}
}

// delete notes that the records of a partition before a place may be gone.
func (t *truth) delete(p place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	partition := place{p.table, p.partition, 0}
	t.deleted[partition] = max(t.deleted[partition], p.offset)
}

func (t *truth) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = append(t.refused, err)
}

func eventRow(e *event.Event, partition int32, offset, received int64) row {
	price := "NULL"
	if e.HasPrice {
		price = fmt.Sprint(e.Price)
	}
	return row{
		e.ID, e.Type, fmt.Sprint(int64(e.Timestamp)), e.UserID, e.SessionID, e.ProductID, e.ProductCategory, e.Brand, e.Currency,
		e.DeviceType, e.PageURL, e.OrderID, e.Source, price, fmt.Sprint(e.Quantity), e.Properties, e.Key(),
		fmt.Sprint(partition), fmt.Sprint(^uint64(offset)), fmt.Sprint(received),
	}
}

func alertRow(a event.Alert, partition int32, offset, received int64) row {
	return row{
		a.ID, a.Rule, a.ProductID, fmt.Sprint(a.WindowStart.UnixMilli()), fmt.Sprint(a.WindowEnd.UnixMilli()), string(a.Status),
		fmt.Sprint(a.Views), fmt.Sprint(a.Purchases), fmt.Sprint(a.ConversionRate), fmt.Sprint(a.Version), a.EpisodeID, fmt.Sprint(a.Exact),
		fmt.Sprint(partition), fmt.Sprint(offset), fmt.Sprint(received),
	}
}

// rejectedRow is the row of a record of the rejected topic, from its headers.
func rejectedRow(r *kgo.Record) row {
	h := map[string]string{"origin_partition": "0"}
	for _, header := range r.Headers {
		h[header.Key] = string(header.Value)
	}
	if h["origin"] == "" { // it has none: it is its own
		h["origin_kind"], h["origin"] = "topic", r.Topic
		h["origin_partition"], h["origin_position"] = fmt.Sprint(r.Partition), fmt.Sprint(r.Offset)
	}
	return row{
		h["reason"], h["field"], h["message"], string(r.Key), string(r.Value), h["origin_kind"], h["origin"], h["origin_request"],
		h["origin_partition"], h["origin_position"], fmt.Sprint(r.Partition), fmt.Sprint(r.Offset), fmt.Sprint(r.Timestamp.UnixMilli()),
	}
}
