package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"clickstream/internal/broker"
	"clickstream/internal/broker/embedded"
	"clickstream/internal/testwait"
)

// childEnv makes this test binary a process with a broker, to be killed.
const childEnv = "CLICKSTREAM_TEST_CHILD_BROKER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		b, err := embedded.Start(dir, embedded.Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(b.Addr())
		// Ends with the parent, should that forget to kill.
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	return testwait.Context(t)
}

func start(t *testing.T, dir string) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(dir, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// writeLog makes the topics, writes n records and commits; it returns what log it is.
func writeLog(t *testing.T, cfg broker.Config, n int) broker.LogIdentity {
	t.Helper()
	topic := cfg.Topics().Events
	cl, err := broker.Open(cfg, append(broker.ProducerOptions(), append(broker.ConsumerOptions(),
		kgo.ConsumerGroup(cfg.Group("processor")), kgo.ConsumeTopics(topic))...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx := deadline(t)
	id, err := cl.EnsureTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Partition: int32(i % 12), Value: fmt.Appendf(nil, "event %d", i)}
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if fetches := cl.PollFetches(ctx); fetches.Err() != nil { // in the group
		t.Fatal(fetches.Err())
	}
	if err := broker.CommitWithMetadata(ctx, cl.Client, topic, map[int32]broker.Commit{2: {Offset: 3, Metadata: "1 state"}}, nil); err != nil {
		t.Fatal(err)
	}
	return id
}

func check(t *testing.T, cfg broker.Config, id broker.LogIdentity, n int) {
	t.Helper()
	ctx, topic := deadline(t), cfg.Topics().Events
	cl, err := broker.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if now, err := cl.EnsureTopics(ctx); err != nil || now != id {
		t.Errorf("the log is now %+v, error %v, want %+v", now, err, id)
	}
	commits, err := cl.CommittedOffsets(ctx, cfg.Group("processor"), topic)
	if want := (broker.Commit{Offset: 3, Metadata: "1 state"}); err != nil || commits[2] != want {
		t.Errorf("got commits %v, error %v, want partition 2 at %v", commits, err, want)
	}
	ends, err := cl.EndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	if err := cl.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		seen[string(r.Value)] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != n {
		t.Errorf("got %d different records, want %d", len(seen), n)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	id := writeLog(t, broker.Config{Brokers: []string{b.Addr()}}, 1000)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, dir)
	check(t, broker.Config{Brokers: []string{again.Addr()}}, id, 1000)
}

func TestKillKeepsWhatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+dir)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	id := writeLog(t, broker.Config{Brokers: []string{strings.TrimSpace(addr)}}, 1000)
	if _, err := embedded.Start(dir, embedded.Options{}); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("a second process could use the folder: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	b := start(t, dir)
	check(t, broker.Config{Brokers: []string{b.Addr()}}, id, 1000)
}

func TestFolderServesOneBrokerAtATime(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	_, err := embedded.Start(dir, embedded.Options{})
	if !errors.Is(err, embedded.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want the folder named as in use", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestAnotherFolderIsAnotherLog(t *testing.T) {
	var ids []broker.LogIdentity
	for range 2 {
		cfg := broker.Config{Brokers: []string{start(t, t.TempDir()).Addr()}}
		ids = append(ids, writeLog(t, cfg, 1))
	}
	if ids[0].ClusterID == ids[1].ClusterID || ids[0].TopicID == ids[1].TopicID {
		t.Errorf("two logs look like one: %+v", ids)
	}
}

func TestClientFindsARestartedBrokerAtItsAddress(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	cfg := broker.Config{Brokers: []string{b.Addr()}}
	writeLog(t, cfg, 10)
	cl, err := broker.Open(cfg, broker.ProducerOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx := deadline(t)
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: cfg.Topics().Events, Value: []byte("before")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	cl.Produce(ctx, &kgo.Record{Topic: cfg.Topics().Events, Value: []byte("while it is unreachable")}, func(_ *kgo.Record, err error) { done <- err })
	again, err := embedded.Start(dir, embedded.Options{Addr: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := <-done; err != nil {
		t.Errorf("the record was given up: %v", err)
	}
}

func TestProducerWaitsForABrokerThatIsAwayUntilItsContextEnds(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	cfg := broker.Config{Brokers: []string{b.Addr()}}
	writeLog(t, cfg, 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	cl, err := broker.Open(cfg, broker.ProducerOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	record := kgo.Record{Topic: cfg.Topics().Events, Value: []byte("first try")}
	if err := cl.ProduceSync(short, &record).FirstErr(); broker.Classify(err) != broker.Retriable {
		t.Errorf("got %v, want the deadline", err)
	}
	done := make(chan error, 1)
	again := kgo.Record{Topic: cfg.Topics().Events, Value: []byte("second try")}
	cl.Produce(deadline(t), &again, func(_ *kgo.Record, err error) { done <- err })
	restarted, err := embedded.Start(dir, embedded.Options{Addr: b.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer restarted.Close()
	if err := <-done; err != nil {
		t.Errorf("the record was given up: %v", err)
	}
}
