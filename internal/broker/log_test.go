package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
)

func produce(t *testing.T, cl *broker.Client, topic string, partition int32, values ...string) {
	t.Helper()
	for _, v := range values {
		r := &kgo.Record{Topic: topic, Partition: partition, Key: []byte("key"), Value: []byte(v)}
		if err := cl.ProduceSync(deadline(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func transaction(t *testing.T, cl *broker.Client, topic string, partition int32, end kgo.TransactionEndTry, values ...string) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, cl, topic, partition, values...)
	if err := cl.EndTransaction(deadline(t), end); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, cfg broker.Config, from, to broker.Offsets) []string {
	t.Helper()
	var got []string
	err := client(t, cfg).ReadLog(deadline(t), cfg.Topics().Events, from, to, func(r *kgo.Record) error {
		got = append(got, fmt.Sprintf("%d/%d %s", r.Partition, r.Offset, r.Value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadLogPassesOverAbortedAndControlRecords(t *testing.T) {
	cfg := brokertest.Config(t)
	cfg.Partitions = 3
	ensure(t, cfg)
	topic := cfg.Topics().Events
	plain := client(t, cfg, broker.ProducerOptions()...)
	tx := client(t, cfg, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(cfg.TopicPrefix+"tx"))

	produce(t, plain, topic, 0, "a")                               // 0
	transaction(t, tx, topic, 0, kgo.TryCommit, "b", "c")          // 1, 2, commit at 3
	transaction(t, tx, topic, 0, kgo.TryAbort, "gone", "gone too") // 4, 5, abort at 6
	transaction(t, tx, topic, 1, kgo.TryAbort, "all gone")         // 0, abort at 1: nothing to see
	produce(t, plain, topic, 0, "d")                               // 7
	transaction(t, tx, topic, 0, kgo.TryAbort, "gone at the end")  // 8, abort at 9

	ctx := deadline(t)
	ends, err := plain.EndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if want := (broker.Offsets{0: 10, 1: 2, 2: 0}); fmt.Sprint(ends) != fmt.Sprint(want) {
		t.Fatalf("got ends %v, want %v", ends, want)
	}
	if got, want := read(t, cfg, broker.Offsets{}, ends), []string{"0/0 a", "0/1 b", "0/2 c", "0/7 d"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// Ends inside the aborted part, and starts inside a batch.
	if got, want := read(t, cfg, broker.Offsets{0: 2}, broker.Offsets{0: 5}), []string{"0/2 c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := read(t, cfg, broker.Offsets{0: 10, 1: 2}, ends); len(got) != 0 {
		t.Errorf("got %v from the end of the log", got)
	}
}

func TestEndOffsetsStopAtAnOpenTransaction(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	topic := cfg.Topics().Events
	plain := client(t, cfg, broker.ProducerOptions()...)
	tx := client(t, cfg, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(cfg.TopicPrefix+"open"))
	produce(t, plain, topic, 0, "a")
	if err := tx.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, tx, topic, 0, "undecided")
	produce(t, plain, topic, 0, "after it")

	ends, err := plain.EndOffsets(deadline(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	if ends[0] != 1 {
		t.Errorf("the end is %d while offset 1 is undecided, want 1", ends[0])
	}
	if got, want := read(t, cfg, nil, ends), []string{"0/0 a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := tx.EndTransaction(deadline(t), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}

func TestReadLogReturnsTheReadersError(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	produce(t, client(t, cfg, broker.ProducerOptions()...), cfg.Topics().Events, 0, "a", "b")
	stop := errors.New("stop")
	seen := 0
	err := client(t, cfg).ReadLog(deadline(t), cfg.Topics().Events, nil, broker.Offsets{0: 2}, func(*kgo.Record) error {
		seen++
		return stop
	})
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("got %v after %d records, want the reader's own error after the first", err, seen)
	}
}

func TestReadLogWaitsForTheEndAndEndsWithItsContext(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	ctx, cancel := context.WithCancel(deadline(t))
	produce(t, client(t, cfg, broker.ProducerOptions()...), cfg.Topics().Events, 0, "a")
	err := client(t, cfg).ReadLog(ctx, cfg.Topics().Events, nil, broker.Offsets{0: 2}, func(*kgo.Record) error {
		cancel()
		return nil
	})
	if broker.Classify(err) != broker.Canceled {
		t.Errorf("got %v, want it canceled", err)
	}
}

// member joins a group and waits until it has partitions of the log.
func member(t *testing.T, cfg broker.Config, opts ...kgo.Opt) *broker.Client {
	t.Helper()
	assigned := make(chan struct{}, 10)
	cl := client(t, cfg, append(broker.ConsumerOptions(), append([]kgo.Opt{
		kgo.ConsumerGroup(cfg.Group("mirror")),
		kgo.ConsumeTopics(cfg.Topics().Events),
		kgo.SessionTimeout(2 * time.Second), kgo.HeartbeatInterval(200 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) {
			if len(m[cfg.Topics().Events]) > 0 {
				assigned <- struct{}{}
			}
		}),
	}, opts...)...)...)
	select {
	case <-assigned:
	case <-deadline(t).Done():
		t.Fatal("the group gave the member no partitions")
	}
	return cl
}

func TestCommitKeepsMetadata(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	topic := cfg.Topics().Events
	cl := member(t, cfg)
	want := map[int32]broker.Commit{0: {Offset: 7, Metadata: "1 watermark=12:00"}, 3: {Offset: 9, Metadata: "1 other"}, 4: {Offset: 2}}
	if err := broker.CommitWithMetadata(deadline(t), cl.Client, topic, want, nil); err != nil {
		t.Fatal(err)
	}
	got, err := client(t, cfg).CommittedOffsets(deadline(t), cfg.Group("mirror"), topic)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCommitRefusesMetadataThatKafkaWouldRefuse(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	cl := member(t, cfg)
	long := strings.Repeat("x", broker.MaxMetadata)
	if err := broker.CommitWithMetadata(deadline(t), cl.Client, cfg.Topics().Events, map[int32]broker.Commit{0: {1, long}}, nil); err != nil {
		t.Errorf("%d bytes were refused: %v", len(long), err)
	}
	err := broker.CommitWithMetadata(deadline(t), cl.Client, cfg.Topics().Events, map[int32]broker.Commit{0: {1, long + "x"}}, nil)
	if !errors.Is(err, kerr.OffsetMetadataTooLarge) || broker.Classify(err) != broker.Fatal {
		t.Errorf("got %v (%s), want it refused as too large", err, broker.Classify(err))
	}
}

// expel has the group remove a member without its knowledge, as it does one that was
// paused for longer than its session.
func expel(t *testing.T, cfg broker.Config, id string) {
	t.Helper()
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = cfg.Group("mirror")
	leave.MemberID = id // up to version 2
	gone := kmsg.NewLeaveGroupRequestMember()
	gone.MemberID = id
	leave.Members = append(leave.Members, gone)
	if resp, err := leave.RequestWith(deadline(t), client(t, cfg)); err != nil || resp.ErrorCode != 0 {
		t.Fatal(resp, err)
	}
}

func TestCommitOfAMemberThatWasPutOutIsFenced(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	topic := cfg.Topics().Events
	// It learns of it with its next heartbeat, long after this test.
	late := member(t, cfg, kgo.SessionTimeout(90*time.Second), kgo.HeartbeatInterval(60*time.Second))
	id, _ := late.GroupMetadata()
	expel(t, cfg, id)
	err := broker.CommitWithMetadata(deadline(t), late.Client, topic, map[int32]broker.Commit{0: {Offset: 5}}, nil)
	if got := broker.Classify(err); got != broker.Fenced {
		t.Errorf("got %s: %v, want fenced", got, err)
	}
	commits, err := client(t, cfg).CommittedOffsets(deadline(t), cfg.Group("mirror"), topic)
	if err != nil || len(commits) != 0 {
		t.Errorf("got commits %v, error %v, want none", commits, err)
	}
}

// The broker answers with the ids of the topics of a group's commits. A client that
// does not learn at once which topics these are asks again.
func TestCommitsAreReadWhereNoBrokerSaysAtOnceWhichTopicsTheyAreOf(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	ensure(t, cfg)
	cl := member(t, cfg)
	for _, topic := range []string{cfg.Topics().Events, cfg.Topics().Alerts} {
		if err := broker.CommitWithMetadata(deadline(t), cl.Client, topic, map[int32]broker.Commit{0: {Offset: 5}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	byID := 0
	b.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		asked := r.(*kmsg.MetadataRequest)
		if len(asked.Topics) == 0 || asked.Topics[0].TopicID == [16]byte{} {
			return nil, nil, false
		}
		byID++
		answer := asked.ResponseKind().(*kmsg.MetadataResponse)
		for _, topic := range asked.Topics {
			unknown := kmsg.NewMetadataResponseTopic()
			unknown.TopicID, unknown.ErrorCode = topic.TopicID, kerr.LeaderNotAvailable.Code
			answer.Topics = append(answer.Topics, unknown)
		}
		return answer, nil, true // and the next one is answered
	})
	got, err := client(t, cfg).CommittedOffsets(deadline(t), cfg.Group("mirror"), cfg.Topics().Events)
	if err != nil || got[0].Offset != 5 {
		t.Errorf("got %v, error %v, want the commit at 5", got, err)
	}
	if byID == 0 {
		t.Error("nobody has asked which topic an id is of: this test tests nothing")
	}
}

func TestCommitOutsideAGroupIsAnError(t *testing.T) {
	cfg := brokertest.Config(t)
	if err := broker.CommitWithMetadata(deadline(t), client(t, cfg).Client, "t", map[int32]broker.Commit{0: {Offset: 5}}, nil); err == nil {
		t.Error("a client outside any group committed")
	}
}

func TestWaitCommittedCountsWhatIsLeft(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	topic := cfg.Topics().Events
	produce(t, client(t, cfg, broker.ProducerOptions()...), topic, 0, "a", "b", "c")
	produce(t, client(t, cfg, broker.ProducerOptions()...), topic, 1, "d")
	cl := member(t, cfg)
	ends, err := cl.EndOffsets(deadline(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(p int32, o int64) {
		if err := broker.CommitWithMetadata(deadline(t), cl.Client, topic, map[int32]broker.Commit{p: {Offset: o}}, nil); err != nil {
			t.Error(err)
		}
	}
	var seen []int64
	err = cl.WaitCommitted(deadline(t), cfg.Group("mirror"), topic, ends, func(left int64) {
		if len(seen) > 0 && seen[len(seen)-1] == left {
			return
		}
		seen = append(seen, left)
		switch left {
		case 4:
			commit(0, 2)
		case 2:
			commit(0, 3)
		case 1:
			commit(1, 1)
		}
	})
	if err != nil || !slices.Equal(seen, []int64{4, 2, 1, 0}) {
		t.Errorf("got error %v, left %v, want 4 2 1 0", err, seen)
	}
}

func TestWaitCommittedNeedsNothingOfAnEmptyLog(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	cl := client(t, cfg)
	ends, err := cl.EndOffsets(deadline(t), cfg.Topics().Events)
	if err != nil {
		t.Fatal(err)
	}
	if err := cl.WaitCommitted(deadline(t), cfg.Group("mirror"), cfg.Topics().Events, ends, nil); err != nil {
		t.Error(err)
	}
}

func TestWaitCommittedEndsWithItsContext(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	produce(t, client(t, cfg, broker.ProducerOptions()...), cfg.Topics().Events, 0, "a")
	ctx, cancel := context.WithCancel(deadline(t))
	err := client(t, cfg).WaitCommitted(ctx, cfg.Group("nobody"), cfg.Topics().Events, broker.Offsets{0: 1}, func(int64) { cancel() })
	if broker.Classify(err) != broker.Canceled || !strings.Contains(err.Error(), "1 offsets left") {
		t.Errorf("got %v, want it canceled with 1 offset left", err)
	}
}
