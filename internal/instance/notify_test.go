package instance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/processor/notifier"
	"clickstream/processor/notifier/webhook"
	"clickstream/warehouse"
)

// From the views of a spike to the notice of its start, and from the purchases
// that end it to the notice of its end.
func TestN1_AnInstanceNotifiesOfASpikeOnceAtItsStartAndOnceAtItsEnd(t *testing.T) {
	notices := make(chan notifier.Body, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body notifier.Body
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		notices <- body
	}))
	defer receiver.Close()
	cfg := brokertest.Config(t)
	s := brokertest.NewShop(t, brokertest.Options{Broker: cfg})
	r, dir := serveAs(t, cfg, warehouse.Config{}, ServeConfig{
		Location: time.UTC, Roles: []string{"processor", "notifier"},
		Notify: notifier.Config{Receivers: []webhook.Receiver{{Name: "webhook", Format: webhook.JSON, URL: receiver.URL}}},
	})
	happen := func(kind string, n int) {
		var records []*kgo.Record
		now := time.Now()
		for i := range n {
			e := event.Event{ID: fmt.Sprint(kind, i), Type: kind, Timestamp: event.MillisOf(now), UserID: fmt.Sprint("u", i), ProductID: "p1", Quantity: 1}
			records = append(records, s.Event(e, now))
		}
		s.Produce(records...)
	}
	happen(event.TypeView, 101)
	first := <-notices
	if first.Notice != "first" || first.ProductID != "p1" || first.Views != 101 || first.Status != event.Firing {
		t.Errorf("got %+v", first)
	}
	happen(event.TypePurchase, 5)
	end := <-notices
	if end.Notice != "end" || end.EpisodeID != first.EpisodeID || end.Status != event.Retracted {
		t.Errorf("got %+v", end)
	}
	testwait.Until(t, "the role runs", func() bool { return state(t, dir, "notifier").State == Running })
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
	if len(notices) > 0 {
		t.Errorf("there is another notice: %+v", <-notices)
	}
}

// Nobody answers for a while, and the folder says how many notices wait.
func TestNoticesThatWaitForTheirReceiverArePublished(t *testing.T) {
	var up atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer receiver.Close()
	cfg := brokertest.Config(t)
	s := brokertest.NewShop(t, brokertest.Options{Broker: cfg})
	r, dir := serveAs(t, cfg, warehouse.Config{}, ServeConfig{
		Location: time.UTC, Roles: []string{"notifier"},
		Notify: notifier.Config{Receivers: []webhook.Receiver{{Name: "webhook", Format: webhook.JSON, URL: receiver.URL}}},
	})
	waiting := func(want int) bool {
		d, err := Describe(dir)
		if err != nil {
			t.Fatal(err)
		}
		return d != nil && d.Waiting != nil && *d.Waiting == want
	}
	testwait.Until(t, "the notifier has published", func() bool { return waiting(0) })
	start := time.Now().UTC().Truncate(time.Minute)
	for i, product := range []string{"p1", "p2"} {
		s.Produce(s.Alert(event.Alert{
			ID: event.DefaultRule().AlertID(product, event.MillisOf(start)), Rule: event.DefaultRule().String(), ProductID: product, WindowStart: start,
			WindowEnd: start.Add(10 * time.Minute), Status: event.Firing, Views: 101, Version: int64(i), Exact: true,
		}))
	}
	testwait.Until(t, "two notices wait", func() bool { return waiting(2) })
	up.Store(true)
	testwait.Until(t, "both are sent", func() bool { return waiting(0) })
	if err := r.Stop(); err != nil {
		t.Error(err)
	}
}
