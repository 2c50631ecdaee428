package simulation_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/simulation"
	"clickstream/processor/notifier"
)

// receive starts the receivers, and draws how long notices may wait.
func (w *world) receive(draw *rand.Rand) (err error) {
	if !w.options.notify {
		w.receivers = &receivers{}
		return nil
	}
	w.maxAge = []time.Duration{time.Hour, 40 * time.Second}[draw.IntN(2)]
	w.giveUp = []time.Duration{24 * time.Hour, 30 * time.Second}[draw.IntN(2)]
	ledger := w.observer.Topics().Notifications
	w.receivers, err = startReceivers(w.network, func() map[int32]int64 {
		ends := make(map[int32]int64)
		for _, p := range w.cluster.PartitionInfos(ledger) {
			ends[p.Partition] = p.HighWatermark
		}
		return ends
	})
	return err
}

// runNotifier is an instance's notifier. It waits for the broker itself, and so it
// never ends by itself.
func (w *world) runNotifier(ctx context.Context, i *simulation.Instance, cl *broker.Client) {
	if !w.options.notify {
		return
	}
	var transport http.RoundTripper = stamping{&http.Transport{DialContext: i.Host.Dial}}
	if w.options.transport != nil {
		transport = w.options.transport(transport)
	}
	n, err := notifier.New(notifier.Config{
		Broker: cl, Receivers: w.receivers.named(), MaxAge: w.maxAge, GiveUp: w.giveUp, Transport: transport, Log: w.Logger(i.Name),
	})
	if err == nil {
		err = n.Run(ctx)
	}
	if ctx.Err() == nil {
		w.Errorf("the notifier of %s ended by itself: %v", i.Name, err)
	}
}

// silence is one that is on the ledger.
type silence struct {
	broker.LedgerEntry
	acknowledged time.Time
	least        time.Time // it holds until then at least
}

// silence silences products and rules now and then, and ends some silences early.
func (w *world) silence(ctx context.Context, draw *rand.Rand) {
	for n := draw.Uint64(); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(draw.Int64N(int64(30 * time.Second)))):
		}
		now := time.Now()
		e := broker.LedgerEntry{
			Kind: broker.LedgerSilence, At: now, By: "somebody", SilenceID: fmt.Sprint(n),
			ProductID: fmt.Sprint("p", draw.IntN(12)), Until: now.Add(time.Duration(draw.Int64N(int64(time.Minute)))),
		}
		if draw.IntN(6) == 0 {
			e.ProductID, e.Rule = "", "flash_sale"
		}
		if i := len(w.silenced) - 1; i >= 0 && w.silenced[i].least.After(now) && draw.IntN(2) == 0 {
			e = w.silenced[i].LedgerEntry
			e.EndedBy, e.Until = "somebody", now
			w.silenced[i].least = now
		}
		within, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := w.load.producer.WriteLedger(within, e)
		cancel()
		w.Sayf("silence %s of %s%s until %s: %v", e.SilenceID, e.ProductID, e.Rule, e.Until.Format(time.TimeOnly), err)
		if err == nil && e.EndedBy == "" {
			w.silenced = append(w.silenced, silence{e, time.Now(), e.Until})
		}
	}
}

// waitNotified waits until all alerts are decided and all notices have a result,
// and checks them.
func (w *world) waitNotified() {
	if !w.options.notify {
		return
	}
	for began := time.Now(); !w.Failed(); time.Sleep(time.Second) {
		left, err := w.undecided(w.t.Context())
		if err == nil && left == 0 {
			alerts, ledger := w.readNotices(w.t.Context())
			if left = waiting(ledger); left == 0 {
				w.checkNotices(alerts, ledger)
				return
			}
		}
		if time.Since(began) > patience {
			w.Errorf("%s after the shop is quiet %d alerts are not decided or notices not sent (%v)", time.Since(began), left, err)
		}
	}
}

// undecided is how many records of the alerts topic the notifiers have not decided.
func (w *world) undecided(ctx context.Context) (left int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	topic := w.observer.Topics().Alerts
	ends, err := w.observer.EndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	commits, err := w.observer.CommittedOffsets(ctx, w.observer.Group("notifier"), topic)
	if err != nil {
		return 0, err
	}
	for p, end := range ends {
		decided, _ := strconv.ParseInt(commits[p].Metadata, 10, 64)
		left += max(end-decided, 0)
	}
	return left, nil
}

// waiting is how many notices have no result.
func waiting(ledger []written) int64 {
	all := make(map[string]bool)
	for _, e := range ledger {
		switch e.Kind {
		case broker.LedgerIntent:
			all[e.NoticeKey()+"/"+e.Receiver] = all[e.NoticeKey()+"/"+e.Receiver] || false
		case broker.LedgerResult:
			all[e.NoticeKey()+"/"+e.Receiver] = true
		}
	}
	left := int64(0)
	for done := range maps.Values(all) {
		if !done {
			left++
		}
	}
	return left
}

// emitAgain writes the alerts from some place on once more, as a processor does
// that counts the log again.
func (w *world) emitAgain(draw *rand.Rand) {
	of := make(map[int32][]*kgo.Record)
	w.read(w.t.Context(), w.observer.Topics().Alerts, func(r *kgo.Record) error {
		of[r.Partition] = append(of[r.Partition], &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value), Headers: r.Headers})
		return nil
	})
	for p, all := range of {
		from := draw.IntN(len(all) + 1)
		w.Sayf("%d of %d alerts of partition %d are emitted again", len(all)-from, len(all), p)
		if err := w.load.producer.ProduceSync(w.t.Context(), all[from:]...).FirstErr(); err != nil {
			w.Errorf("the simulation is wrong: %v", err)
		}
	}
}
