// Package brokertest gives tests a broker of their own.
//
// By default that is an embedded one for each test. With
// CLICKSTREAM_TEST_BROKERS=host:port,... the same tests run on that cluster,
// and with CLICKSTREAM_TEST_BROKERS=kafka on a real Apache Kafka that is
// started once a package; there each test has a topic prefix of its own, and
// its topics and groups are deleted at its end.
package brokertest

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/embedded"
	"clickstream/internal/broker/realkafka"
)

// Env names the environment variable that points tests at other brokers.
const Env = "CLICKSTREAM_TEST_BROKERS"

// Config returns the way to a broker that has no topics and groups under the
// Config's names. What the test makes there is gone at its end.
func Config(t testing.TB) broker.Config {
	t.Helper()
	switch brokers := os.Getenv(Env); brokers {
	case "":
		_, cfg := Start(t, t.TempDir())
		return cfg
	case "kafka":
		return shared(t, []string{realKafka(t)})
	default:
		return shared(t, strings.Split(brokers, ","))
	}
}

// Open is a client of Config(t), closed at the test's end.
func Open(t testing.TB) *broker.Client {
	t.Helper()
	return OpenAt(t, Config(t))
}

// OpenAt is a client with these settings, closed at the test's end.
func OpenAt(t testing.TB, cfg broker.Config, opts ...kgo.Opt) *broker.Client {
	t.Helper()
	cl, err := broker.Open(cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// OwnReceiveTimes creates the event log so that the test's own record
// timestamps stay: a real broker would put its clock in their place.
func OwnReceiveTimes(t testing.TB, cfg broker.Config) {
	t.Helper()
	EventLog(t, cfg, map[string]*string{
		"message.timestamp.type":         new("CreateTime"),
		"message.timestamp.after.max.ms": new("300000"),
	})
}

// EventLog creates the event log with settings beside those that it has to
// have. A setting that a topic is created with is in force from its first
// record on; a real broker takes one that is altered up a while later.
func EventLog(t testing.TB, cfg broker.Config, settings map[string]*string) {
	t.Helper()
	cl := OpenAt(t, cfg)
	partitions := cfg.Partitions
	if partitions == 0 {
		partitions = broker.DefaultPartitions
	}
	all := map[string]*string{
		"message.timestamp.type": new("LogAppendTime"),
		"retention.ms":           new("-1"), "retention.bytes": new("-1"),
	}
	maps.Copy(all, settings)
	if _, err := kadm.NewClient(cl.Client).CreateTopic(t.Context(), partitions, -1, all, cl.Topics().Events); err != nil {
		t.Fatal(err)
	}
}

// Start starts an embedded broker in dir, whatever the environment says, for
// tests that close it and start it again (StartAt). What still runs at the
// test's end is closed.
func Start(t testing.TB, dir string) (*embedded.Broker, broker.Config) {
	t.Helper()
	return StartAt(t, dir, "")
}

// StartAt is Start on a given address: that of a closed broker, so that its
// clients find it again.
func StartAt(t testing.TB, dir, addr string) (*embedded.Broker, broker.Config) {
	t.Helper()
	b, err := embedded.Start(dir, embedded.Options{Addr: addr, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, broker.Config{Brokers: []string{b.Addr()}}
}

// Cut deletes the records of a topic's partitions before the offsets, as
// retention does.
func Cut(t testing.TB, cl *broker.Client, topic string, before broker.Offsets) {
	t.Helper()
	offsets := make(kadm.Offsets)
	for p, offset := range before {
		offsets.AddOffset(topic, p, offset, -1)
	}
	deleted, err := kadm.NewClient(cl.Client).DeleteRecords(t.Context(), offsets)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ForgetCommits deletes the consumer group of a role, as the broker does with one
// that has had no member for long.
func ForgetCommits(t testing.TB, cl *broker.Client, role string) {
	t.Helper()
	deleted, err := kadm.NewClient(cl.Client).DeleteGroups(t.Context(), cl.Group(role))
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// LoseEnd has the broker say, after a change of the leader, that a partition ends
// before what was read of it. The embedded broker does so where all records have
// been deleted.
func LoseEnd(t testing.TB, b *embedded.Broker, cl *broker.Client, topic string, partition int32) {
	t.Helper()
	ends, err := cl.EndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	Cut(t, cl, topic, broker.Offsets{partition: ends[partition]})
	if err := b.Cluster().MoveTopicPartition(topic, partition, b.Cluster().LeaderFor(topic, partition)); err != nil {
		t.Fatal(err)
	}
}

// HoldJoins makes members of consumer groups join again and never answers them,
// as where another member does not join. It returns a function that says whether
// one waits.
func HoldJoins(b *embedded.Broker) (waiting func() bool) {
	var joining atomic.Bool
	b.Cluster().ControlKey(kmsg.Heartbeat.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		answer := r.ResponseKind().(*kmsg.HeartbeatResponse)
		answer.ErrorCode = kerr.RebalanceInProgress.Code
		return answer, nil, true
	})
	b.Cluster().ControlKey(kmsg.JoinGroup.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.Cluster().KeepControl()
		joining.Store(true)
		return nil, nil, true
	})
	return joining.Load
}

// RefuseProduce is an answer that refuses all records of a request.
func RefuseProduce(r *kmsg.ProduceRequest, with *kerr.Error) kmsg.Response {
	answer := r.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range r.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, with.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
}

// The server is never closed: it ends, and its folder goes, with this process.
// It has to stay reachable until then.
var startReal = sync.OnceValues(func() (*realkafka.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	return realkafka.StartTemporary(ctx)
})

func realKafka(t testing.TB) string {
	t.Helper()
	s, err := startReal()
	if err != nil {
		t.Fatal(err)
	}
	return s.Addr()
}

func shared(t testing.TB, brokers []string) broker.Config {
	t.Helper()
	cfg := broker.Config{Brokers: brokers, TopicPrefix: "test-" + uuid.NewString()[:8] + "-"}
	t.Cleanup(func() {
		if err := remove(cfg); err != nil {
			t.Errorf("remove the test's topics: %v", err)
		}
	})
	return cfg
}

func remove(cfg broker.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cl, err := broker.Open(cfg)
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl.Client)
	topics, err := adm.ListTopics(ctx)
	if err != nil {
		return err
	}
	topics.FilterInternal()
	others := func(name string) bool { return !strings.HasPrefix(name, cfg.TopicPrefix) }
	if ours := slices.DeleteFunc(topics.Names(), others); len(ours) > 0 {
		if _, err := adm.DeleteTopics(ctx, ours...); err != nil {
			return err
		}
	}
	groups, err := adm.ListGroups(ctx)
	if err != nil {
		return err
	}
	if ours := slices.DeleteFunc(groups.Groups(), others); len(ours) > 0 {
		// A group whose member was killed in the test is still full for a
		// while: it stays, under a name nobody uses again.
		if _, err := adm.DeleteGroups(ctx, ours...); err != nil {
			return err
		}
	}
	return nil
}
