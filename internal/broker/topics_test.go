package broker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
)

// deadline is for what must happen; a test that reaches it has failed.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
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
	topics, err := adm.ListTopics(ctx, cfg.Topics().Events, cfg.Topics().Data, cfg.Topics().Alerts, cfg.Topics().Rejected)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range topics {
		if d.Err != nil || len(d.Partitions) != 12 {
			t.Errorf("topic %s has %d partitions, error %v", name, len(d.Partitions), d.Err)
		}
	}
	for topic, want := range map[string]string{cfg.Topics().Events: "-1", cfg.Topics().Alerts: "3600000"} {
		if got := setting(ctx, t, adm, topic, "retention.ms"); got != want {
			t.Errorf("topic %s has retention.ms=%s, want %s", topic, got, want)
		}
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
	makeTopic(t, cfg, cfg.Topics().Events, 3, nil)
	if id := ensure(t, cfg); id.Partitions != 3 {
		t.Errorf("got %d partitions, want the existing 3", id.Partitions)
	}
}

func TestEnsureTopicsRefusesWhatWouldBreakTheLog(t *testing.T) {
	cfg := brokertest.Config(t)
	makeTopic(t, cfg, cfg.Topics().Events, 3, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")})
	makeTopic(t, cfg, cfg.Topics().Alerts, 2, nil)
	_, err := client(t, cfg).EnsureTopics(deadline(t))
	if err == nil {
		t.Fatal("a compacted log and too few alert partitions were accepted")
	}
	for _, want := range []string{
		cfg.Topics().Events + " has 3 partitions and " + cfg.Topics().Alerts + " has 2",
		"delete " + cfg.Topics().Alerts,
		cfg.Topics().Events + " has cleanup.policy=compact",
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
		t.Errorf("a broker that is away is %s: %v", got, err)
	}
}
