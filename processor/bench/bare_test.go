package bench

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

// bareLoopCommand makes the test's program run the bare loop and nothing else.
const bareLoopCommand = "bare-loop"

// bareResult is what the bare loop prints.
type bareResult struct {
	Seconds float64       // from the first record to the last
	CPU     time.Duration // of the process, until then
	Windows int           // that qualify

	peakMiB float64
}

// pane is one minute of event time in a partition.
type pane struct {
	ids      map[uint64]struct{}
	products map[string]*counts
}

type counts struct{ views, purchases int }

// bare counts with panes alone. It takes what it reads as it is.
type bare struct {
	decoder event.Decoder
	event   event.Event
	seed    maphash.Seed
	panes   map[int32]map[event.Millis]*pane // by partition and number
}

const slide = event.Millis(60_000)

// runBareLoop counts the topic to its present end and prints its result.
func runBareLoop(brokers, topic string) error {
	ctx := context.Background()
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20),
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	left := make(map[int32]int64)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	b := bare{seed: maphash.MakeSeed(), panes: make(map[int32]map[event.Millis]*pane)}
	var begun time.Time
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if begun.IsZero() {
			begun = time.Now()
		}
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			b.count(r)
			if r.Offset == left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	r := bareResult{Seconds: time.Since(begun).Seconds(), CPU: time.Duration(used.Utime.Nano() + used.Stime.Nano())}
	r.Windows = b.windows()
	return json.NewEncoder(os.Stdout).Encode(r)
}

func (b *bare) count(r *kgo.Record) {
	e := &b.event
	if r.Value == nil {
		return // a tick
	}
	if b.decoder.Decode(r.Value, e) != nil || e.Type != event.TypeView && e.Type != event.TypePurchase {
		return
	}
	at := e.Timestamp / slide
	panes := b.panes[r.Partition]
	if panes == nil {
		panes = make(map[event.Millis]*pane)
		b.panes[r.Partition] = panes
	}
	p := panes[at]
	if p == nil {
		p = &pane{ids: make(map[uint64]struct{}), products: make(map[string]*counts)}
		panes[at] = p
		// Nothing more comes so late. The counts stay for the end.
		if old := panes[at-12]; old != nil {
			old.ids = nil
		}
	}
	id := maphash.String(b.seed, e.ID)
	if _, seen := p.ids[id]; seen {
		return
	}
	p.ids[id] = struct{}{}
	c := p.products[e.ProductID]
	if c == nil {
		c = new(counts)
		p.products[strings.Clone(e.ProductID)] = c
	}
	if e.Type == event.TypeView {
		c.views++
	} else {
		c.purchases++
	}
}

// windows adds the panes up.
func (b *bare) windows() (qualifying int) {
	rule := event.DefaultRule()
	panes := event.Millis(rule.Window / rule.Slide)
	type window struct {
		product string
		start   event.Millis
	}
	all := make(map[window]counts)
	for _, partition := range b.panes {
		for at, p := range partition {
			for product, c := range p.products {
				for start := at - panes + 1; start <= at; start++ {
					w := all[window{product, start}]
					all[window{product, start}] = counts{w.views + c.views, w.purchases + c.purchases}
				}
			}
		}
	}
	for _, c := range all {
		if rule.Qualifies(c.views, c.purchases) {
			qualifying++
		}
	}
	return qualifying
}
