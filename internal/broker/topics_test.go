package broker_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// deadline is for what must happen; a test that reaches it has failed.
func deadline(t *testing.T) context.Context {
	t.Helper()
	return testwait.Context(t)
}

func client(t *testing.T, cfg broker.Config, opts ...kgo.Opt) *broker.Client {
	t.Helper()
	return brokertest.OpenAt(t, cfg, opts...)
}

func ensure(t *testing.T, cfg broker.Config) broker.LogIdentity {
	t.Helper()
	id, err := client(t, cfg).EnsureTopics(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestEnsureTopicsMakesThemOnceWithUnlimitedRetention(t *testing.T) {
	cfg := brokertest.Config(t)
	cfg.AlertsRetention = time.Hour
	id := ensure(t, cfg)
	if id.Topic != cfg.Topics().Events || id.Partitions != 12 || id.ClusterID == "" || id.TopicID == "" {
		t.Errorf("got identity %+v", id)
	}
	if again := ensure(t, cfg); again != id {
		t.Errorf("a second call found %+v, want %+v", again, id)
	}
	ctx, adm := deadline(t), kadm.NewClient(client(t, cfg).Client)
	topics, err := adm.ListTopics(ctx, cfg.Topics().Events, cfg.Topics().Inbound, cfg.Topics().Alerts, cfg.Topics().Rejected, cfg.Topics().Notifications)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range topics {
		if d.Err != nil || len(d.Partitions) != 12 {
			t.Errorf("topic %s has %d partitions, error %v", name, len(d.Partitions), d.Err)
		}
	}
	if got := setting(ctx, t, adm, cfg.Topics().Events, "message.timestamp.type"); got != "LogAppendTime" {
		t.Errorf("the event log has message.timestamp.type=%s, want the broker's clock", got)
	}
	for topic, want := range map[string]string{cfg.Topics().Events: "-1", cfg.Topics().Alerts: "3600000"} {
		if got := setting(ctx, t, adm, topic, "retention.ms"); got != want {
			t.Errorf("topic %s has retention.ms=%s, want %s", topic, got, want)
		}
	}
	rules, err := adm.ListTopics(ctx, cfg.Topics().Rules)
	if err != nil || len(rules[cfg.Topics().Rules].Partitions) != 1 {
		t.Errorf("the rules topic: %+v, %v", rules, err)
	}
	for _, topic := range []string{cfg.Topics().Rules, cfg.Topics().Notifications} {
		if got := setting(ctx, t, adm, topic, "cleanup.policy"); got != "compact" {
			t.Errorf("topic %s has cleanup.policy=%s", topic, got)
		}
	}
}

func TestTheKeyOfIdentityHashesIsTheLogsOwn(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	ctx := deadline(t)
	key := func(cfg broker.Config) event.HashKey {
		t.Helper()
		k, err := client(t, cfg).HashKey(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key(cfg)
	if first == (event.HashKey{}) || key(cfg) != first {
		t.Errorf("another client of the log has another key than %v", first)
	}
	if _, err := kadm.NewClient(client(t, cfg).Client).DeleteTopics(ctx, cfg.Topics().Events); err != nil {
		t.Fatal(err)
	}
	// A real broker deletes a topic some time after it has answered.
	testwait.Until(t, "a log that does not exist has no key", func() bool {
		_, err := client(t, cfg).HashKey(ctx)
		return err != nil
	})
	ensure(t, cfg)
	if key(cfg) == first {
		t.Error("a log that was created again has the key of the one before")
	}
}

func setting(ctx context.Context, t *testing.T, adm *kadm.Client, topic, key string) string {
	t.Helper()
	configs, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == key {
			return c.MaybeValue()
		}
	}
	return ""
}

func TestEnsureTopicsFollowsAnExistingLogsPartitions(t *testing.T) {
	cfg := brokertest.Config(t)
	makeTopic(t, cfg, cfg.Topics().Events, 3, map[string]*string{"message.timestamp.type": new("LogAppendTime")})
	if id := ensure(t, cfg); id.Partitions != 3 {
		t.Errorf("got %d partitions, want the existing 3", id.Partitions)
	}
}

// A broker that is asked right after another has made the log may not have
// heard of it yet.
func TestEnsureTopicsFollowsALogThatTheBrokerHadNotHeardOf(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	makeTopic(t, cfg, cfg.Topics().Events, 3, map[string]*string{"message.timestamp.type": new("LogAppendTime")})
	cl := client(t, cfg)
	if err := cl.Ping(deadline(t)); err != nil {
		t.Fatal(err)
	}
	b.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		req := r.(*kmsg.MetadataRequest)
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		for _, asked := range req.Topics {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.ErrorCode = asked.Topic, kerr.UnknownTopicOrPartition.Code
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
	id, err := cl.EnsureTopics(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if id.Partitions != 3 {
		t.Errorf("got %d partitions, want the existing 3", id.Partitions)
	}
}

func TestEnsureTopicsRefusesWhatWouldBreakTheLog(t *testing.T) {
	cfg := brokertest.Config(t)
	makeTopic(t, cfg, cfg.Topics().Events, 3, map[string]*string{"cleanup.policy": new("compact")})
	makeTopic(t, cfg, cfg.Topics().Alerts, 2, nil)
	makeTopic(t, cfg, cfg.Topics().Rules, 1, map[string]*string{"cleanup.policy": new("delete")})
	makeTopic(t, cfg, cfg.Topics().Notifications, 1, map[string]*string{"cleanup.policy": new("delete")})
	_, err := client(t, cfg).EnsureTopics(deadline(t))
	if err == nil {
		t.Fatal("a compacted log and too few alert partitions were accepted")
	}
	for _, want := range []string{
		cfg.Topics().Events + " has 3 partitions and " + cfg.Topics().Alerts + " has 2",
		"delete " + cfg.Topics().Alerts,
		cfg.Topics().Events + " has cleanup.policy=compact",
		cfg.Topics().Rules + " has cleanup.policy=delete",
		cfg.Topics().Events + " has 3 partitions and " + cfg.Topics().Notifications + " has 1",
		cfg.Topics().Notifications + " has cleanup.policy=delete",
		cfg.Topics().Events + " has message.timestamp.type=CreateTime",
		"alter-config " + cfg.Topics().Events + " --set message.timestamp.type=LogAppendTime",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	adm := kadm.NewClient(client(t, cfg).Client)
	if got := setting(deadline(t), t, adm, cfg.Topics().Events, "cleanup.policy"); got != "compact" {
		t.Errorf("the existing topic was changed to cleanup.policy=%s", got)
	}
}

func TestEnsureTopicsTakesWritersClocksThatAreBounded(t *testing.T) {
	cfg := brokertest.Config(t)
	var said bytes.Buffer
	cfg.Log = zerolog.New(&said)
	makeTopic(t, cfg, cfg.Topics().Events, 2, map[string]*string{
		"message.timestamp.type": new("CreateTime"), "message.timestamp.after.max.ms": new("300000"),
	})
	ensure(t, cfg)
	if !strings.Contains(said.String(), "the writers' clocks") {
		t.Errorf("no warning that the writers' clocks count: %s", said.String())
	}
}

func TestEnsureTopicsRefusesALogThatCanAcknowledgeNothing(t *testing.T) {
	cfg := brokertest.Config(t)
	makeTopic(t, cfg, cfg.Topics().Events, 2, map[string]*string{
		"message.timestamp.type": new("LogAppendTime"), "min.insync.replicas": new("2"),
	})
	_, err := client(t, cfg).EnsureTopics(deadline(t))
	if want := cfg.Topics().Events + " has 1 replicas and min.insync.replicas=2"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want it to say %q", err, want)
	}
}

func TestABatchThatUnpacksToMoreThanTheLimitIsRefused(t *testing.T) {
	cfg := brokertest.Config(t)
	ensure(t, cfg)
	cl := client(t, cfg, append(broker.ProducerOptions(), kgo.ProducerBatchMaxBytes(200<<20), kgo.MaxBufferedBytes(0), kgo.BrokerMaxWriteBytes(210<<20))...)
	if err := cl.ProduceSync(deadline(t), &kgo.Record{Topic: cfg.Topics().Events, Value: make([]byte, 80<<20)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	err := cl.ReadLog(deadline(t), cfg.Topics().Events, nil, broker.Offsets{0: 1}, func(*kgo.Record) error { return nil })
	if !errors.Is(err, kgo.ErrMaxDecompress) {
		t.Errorf("got %v, want %v", err, kgo.ErrMaxDecompress)
	}
	if want := "the batch of offset 0 unpacks to more than 64 MiB"; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--kafka-pass-over="+cfg.Topics().Events+"/0/0-0,") {
		t.Errorf("got %v, want the place and the way out", err)
	}
}

func TestTopicsOfWhichAPartitionHasNoLeaderAreUsed(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	want := ensure(t, cfg)
	topic := cfg.Topics().Events
	elect := brokertest.Leaderless(t, b, client(t, cfg), topic, 3)
	defer elect()
	var log testwait.Output
	cfg.Log = zerolog.New(&log)
	cl := client(t, cfg)
	if got, err := cl.EnsureTopics(deadline(t)); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if !strings.Contains(log.String(), "a partition without a leader") {
		t.Errorf("logged is %s", log.String())
	}
	ends, err := cl.AnsweredEnds(deadline(t), topic)
	if err != nil || len(ends.Offsets) != 11 || ends.Partitions != 12 || !errors.Is(ends.Failed[3], kerr.LeaderNotAvailable) || len(ends.Failed) != 1 {
		t.Errorf("got %+v, %v", ends, err)
	}
	extent, err := cl.Extent(deadline(t), topic)
	if err != nil || extent.Missing(4) != nil || broker.Classify(extent.Missing(3)) != broker.Retriable {
		t.Errorf("got %+v, %v", extent, err)
	}
	if g, missing := extent.Gap(3, 7); missing {
		t.Errorf("%s, though the partition has not answered", g)
	}
	if g, missing := extent.Gap(4, 7); !missing || g.Reason != broker.Recreated {
		t.Errorf("got %s", g)
	}
}

func makeTopic(t *testing.T, cfg broker.Config, topic string, partitions int32, configs map[string]*string) {
	t.Helper()
	if _, err := kadm.NewClient(client(t, cfg).Client).CreateTopic(deadline(t), partitions, -1, configs, topic); err != nil {
		t.Fatal(err)
	}
}

func TestEnsureTopicsSaysWhereNobodyAnswers(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := client(t, cfg).EnsureTopics(deadline(t))
	if err == nil || !strings.Contains(err.Error(), cfg.Brokers[0]) {
		t.Errorf("got %v, want it to name %s", err, cfg.Brokers[0])
	}
	if got := broker.Classify(err); got != broker.Retriable {
		t.Errorf("an unreachable broker is %s: %v", got, err)
	}
}
