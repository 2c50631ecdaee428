package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"clickstream/internal/broker/realkafka"
	"clickstream/internal/torture/proxy"
	"clickstream/internal/torture/recount"
	"clickstream/warehouse/embedded"
)

// rule is small, so that many windows open and close while things break.
var rule = recount.Rule{ViewsOver: 40, PurchasesUnder: 3, Window: 30 * time.Second, Slide: 5 * time.Second, Lateness: 2 * time.Second}

func ruleFlags() []string {
	return []string{
		"--views-over", strconv.Itoa(rule.ViewsOver), "--purchases-under", strconv.Itoa(rule.PurchasesUnder),
		"--window", rule.Window.String(), "--slide", rule.Slide.String(), "--lateness", rule.Lateness.String(),
	}
}

// shop is everything that runs.
type shop struct {
	dir       string
	journal   *journal
	binary    string
	env       []string // of the binary
	kafkaAddr string
	proxy     *proxy.Proxy // before ClickHouse
	broker    *proxy.Proxy // before Kafka
	receiver  *receiver
	post      *proxy.Proxy // before the receiver
	instances []*instance
	extra     *instance // comes and goes

	kafka *realkafka.Server

	clickhouse *embedded.Server
	downtime   chan time.Duration // of a ClickHouse that was killed
	stopKeeper context.CancelFunc
	keeper     sync.WaitGroup
}

func openShop(ctx context.Context, s settings, j *journal) (*shop, error) {
	sh := &shop{dir: s.dir, journal: j, downtime: make(chan time.Duration, 1), stopKeeper: func() {}}
	if err := sh.open(ctx, s.seed); err != nil {
		return nil, errors.Join(err, sh.close())
	}
	return sh, nil
}

func (s *shop) open(ctx context.Context, seed uint64) error {
	s.binary = filepath.Join(s.dir, "clickstream")
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.binary, "clickstream").CombinedOutput(); err != nil {
		return fmt.Errorf("build the binary: %w: %s", err, out)
	}
	var err error
	s.kafka, err = realkafka.StartBehind(ctx, filepath.Join(s.dir, "kafka"), func(addr string) (string, error) {
		if s.broker, err = proxy.Start(addr); err != nil {
			return "", err
		}
		return s.broker.Addr(), nil
	})
	if err != nil {
		return err
	}
	s.kafkaAddr = s.kafka.Addr()
	if s.clickhouse, err = embedded.Start(ctx, embedded.Options{Dir: filepath.Join(s.dir, "clickhouse")}); err != nil {
		return err
	}
	if s.proxy, err = proxy.Start(s.clickhouse.TCPAddr()); err != nil {
		return err
	}
	if s.receiver, err = startReceiver(ctx, seed); err != nil {
		return err
	}
	if s.post, err = proxy.Start(s.receiver.addr); err != nil {
		return err
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CLICKSTREAM_") || strings.HasPrefix(v, "CLICKSTREAM_CACHE_DIR=") {
			s.env = append(s.env, v)
		}
	}
	s.env = append(s.env, "CLICKSTREAM_CLICKHOUSE_PASSWORD="+s.clickhouse.Credentials().Password)
	for _, name := range []string{"a", "b", "c"} {
		s.instances = append(s.instances, s.instance(name))
	}
	s.extra = s.instance("extra")
	// Not ctx: ClickHouse is needed until the end.
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopKeeper = stop
	s.keeper.Go(func() { s.keepClickHouse(keeping) })
	return nil
}

func (s *shop) instance(name string) *instance {
	args := append([]string{"--roles", "mirror,processor,notifier", "--notify-webhook", "http://" + s.post.Addr() + "/notices"}, ruleFlags()...)
	return &instance{
		name: name, binary: s.binary, args: append(args, s.engineFlags()...), env: s.env,
		dir: filepath.Join(s.dir, name), journal: s.journal,
	}
}

func (s *shop) engineFlags() []string {
	return []string{"--kafka-brokers", s.kafkaAddr, "--clickhouse-addr", s.proxy.Addr()}
}

// keepClickHouse starts ClickHouse again whenever it has ended: because it was
// killed, or by itself, as the embedded one does after a handshake that failed.
func (s *shop) keepClickHouse(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.clickhouse.Done():
		}
		select {
		case down := <-s.downtime:
			wait(ctx, down)
		default:
			s.journal.crashed()
		}
		for ctx.Err() == nil {
			if err := s.clickhouse.Restart(ctx); err == nil {
				break
			} else if ctx.Err() == nil {
				s.journal.say("ClickHouse does not start again yet: %v", err)
			}
			wait(ctx, time.Second)
		}
	}
}

// startInstances starts all three at once on an empty log and empty tables.
func (s *shop) startInstances(ctx context.Context) error {
	for _, i := range s.instances {
		if err := i.start(); err != nil {
			return err
		}
	}
	for _, i := range s.instances {
		if !i.waitServing(ctx) {
			return fmt.Errorf("instance %s does not serve", i.name)
		}
	}
	s.journal.say("three instances serve")
	return ctx.Err()
}

// heal lets everything work again, and waits until it does. The receiver can be
// reached; what it does with single requests is ended later, when the instances
// have sent to it for a while.
func (s *shop) heal(ctx context.Context) error {
	s.proxy.Heal()
	s.broker.Heal()
	s.post.Heal()
	for _, i := range s.instances {
		if err := i.start(); err != nil {
			return err
		}
	}
	for _, i := range s.instances {
		if !i.waitServing(ctx) {
			return fmt.Errorf("instance %s does not serve after everything was healed", i.name)
		}
	}
	return ctx.Err()
}

// close ends everything that runs.
func (s *shop) close() error {
	for _, i := range append(s.instances, s.extra) {
		if i != nil && i.process != nil {
			i.kill()
		}
	}
	s.stopKeeper()
	s.keeper.Wait()
	var errs []error
	if s.clickhouse != nil {
		errs = append(errs, s.clickhouse.Close())
	}
	if s.kafka != nil {
		_ = s.kafka.Kill()
	}
	for _, p := range []*proxy.Proxy{s.proxy, s.broker, s.post} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if s.receiver != nil {
		errs = append(errs, s.receiver.close())
	}
	return errors.Join(errs...)
}

// wait returns after d or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
