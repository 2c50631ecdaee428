package bench

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/proctest"
	"clickstream/internal/testwait"
)

// BenchmarkPausedInstance runs three instances of the binary and stops one of them
// with SIGSTOP, as a machine that hangs would. Meanwhile a product of each
// partition gets 101 views at once, ten times a second. It reports the longest
// time from the acknowledgement of the last of these views to the arrival of the
// alert: of the partitions that other instances had and kept, and of those that
// the stopped one had. An iteration is one stop.
func BenchmarkPausedInstance(b *testing.B) {
	s := newSuite(b)
	var others, its time.Duration
	for i := range b.N {
		kept, taken := s.pause(b, i)
		others, its = max(others, kept), max(its, taken)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(others.Seconds(), "others-max-s")
	b.ReportMetric(its.Seconds(), "its-max-s")
}

// pause measures one stop.
func (s *suite) pause(b *testing.B, number int) (others, its time.Duration) {
	b.Helper()
	cfg := s.broker
	cfg.TopicPrefix += fmt.Sprintf("paused-%d-", number)
	cl := brokertest.OpenTraffic(b, cfg)
	instances := []*proctest.Command{s.start(b, cl, 2), s.start(b, cl, 2), s.start(b, cl, 2)}
	owners := s.settled(b, cl, len(instances))

	p := newProbes(b, cl)
	alerts := testwait.Run(b, p.receive)
	views := testwait.Run(b, p.send)
	testwait.Until(b, "each partition gives alerts", p.answeredEverywhere)
	p.forget()
	if err := instances[0].Signal(syscall.SIGSTOP); err != nil {
		b.Fatal(err)
	}
	var now map[int32]string
	testwait.Until(b, "the group goes on without the stopped instance", func() bool {
		now = s.owners(b, cl)
		return len(members(now)) == len(instances)-1
	})
	testwait.Until(b, "each partition gives alerts again", p.answeredEverywhere)
	views.Stop()
	testwait.Until(b, "the last alert has arrived", p.answered)
	alerts.Stop()
	if err := instances[0].Signal(syscall.SIGCONT); err != nil {
		b.Fatal(err)
	}
	for _, cmd := range instances {
		stop(b, cmd)
	}
	left := members(now)
	for n, owner := range owners {
		if left[owner] {
			others = max(others, p.longest[n])
		} else {
			its = max(its, p.longest[n])
		}
	}
	return others, its
}

// settled waits until so many members have all partitions, and returns whose
// each is.
func (s *suite) settled(b *testing.B, cl *broker.Client, count int) (owners map[int32]string) {
	b.Helper()
	testwait.Until(b, "the instances share the partitions", func() bool {
		owners = s.owners(b, cl)
		return len(owners) == int(cl.Config().Partitions) && len(members(owners)) == count
	})
	return owners
}

// owners are the members of the group, by the partitions that they have.
func (s *suite) owners(b *testing.B, cl *broker.Client) map[int32]string {
	b.Helper()
	groups, err := kadm.NewClient(cl.Client).DescribeGroups(b.Context(), cl.Group("processor"))
	if err != nil {
		return nil
	}
	owners := make(map[int32]string)
	for _, m := range groups[cl.Group("processor")].Members {
		if c, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range c.Topics {
				for _, n := range t.Partitions {
					owners[n] = m.MemberID
				}
			}
		}
	}
	return owners
}

func members(owners map[int32]string) map[string]bool {
	all := make(map[string]bool)
	for _, m := range owners {
		all[m] = true
	}
	return all
}

// probes make each partition give alerts.
type probes struct {
	cl         *broker.Client
	partitions int32
	topics     broker.Topics

	mu      sync.Mutex
	sent    map[string]probe // that have no alert yet, by product
	early   map[string]bool  // whose alert was there before the acknowledgement
	longest map[int32]time.Duration
	alerts  map[int32]int
}

type probe struct {
	partition    int32
	acknowledged time.Time
}

func newProbes(b *testing.B, cl *broker.Client) *probes {
	b.Helper()
	partitions, err := cl.Partitions(b.Context(), cl.Topics().Events)
	if err != nil {
		b.Fatal(err)
	}
	p := &probes{cl: cl, partitions: partitions, topics: cl.Topics(), sent: make(map[string]probe), early: make(map[string]bool)}
	p.forget()
	return p
}

// forget begins the measurement again, with the alerts that are still to come.
func (p *probes) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.longest, p.alerts = make(map[int32]time.Duration), make(map[int32]int)
}

func (p *probes) answeredEverywhere() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.alerts) == int(p.partitions)
}

func (p *probes) answered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent) == 0
}

// send writes probes until ctx ends.
func (p *probes) send(ctx context.Context) error {
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case now := <-every.C:
			for have := make(map[int32]bool); len(have) < int(p.partitions); n++ {
				product := fmt.Sprint("probe-", n)
				at := event.Partition(product, p.partitions)
				if have[at] {
					continue
				}
				have[at] = true
				under.Add(1)
				p.sell(product, at, now, under.Done)
			}
		}
	}
}

// sell writes the views of a product.
func (p *probes) sell(product string, partition int32, now time.Time, done func()) {
	over := event.DefaultRule().ViewsOver
	for i := range over + 1 {
		e := event.Event{ID: fmt.Sprint(i), Type: event.TypeView, Timestamp: event.MillisOf(now), UserID: "u", ProductID: product, Quantity: 1}
		record := &kgo.Record{Topic: p.topics.Events, Partition: partition, Key: []byte(product), Value: e.AppendJSON(nil)}
		if i < over {
			p.cl.Produce(context.Background(), record, nil)
			continue
		}
		p.cl.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			defer done()
			p.mu.Lock()
			defer p.mu.Unlock()
			if err != nil {
				return
			}
			if p.early[product] {
				delete(p.early, product)
				p.alerts[partition]++
				return
			}
			p.sent[product] = probe{partition, time.Now()}
		})
	}
}

// receive follows the alerts topic until ctx ends.
func (p *probes) receive(ctx context.Context) error {
	cl, err := p.cl.Open(kgo.ConsumeTopics(p.topics.Alerts), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer cl.Close()
	seen := make(map[string]bool)
	for ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			alert, err := event.DecodeAlert(r.Value)
			if err == nil && !seen[alert.ProductID] {
				seen[alert.ProductID] = true
				p.take(alert.ProductID, time.Now())
			}
		})
	}
	return nil
}

// take takes note of a product's first alert.
func (p *probes) take(product string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sent[product]
	if !ok {
		p.early[product] = true
		return
	}
	delete(p.sent, product)
	p.alerts[s.partition]++
	p.longest[s.partition] = max(p.longest[s.partition], at.Sub(s.acknowledged))
}
