package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Client is a Kafka client together with the settings it was made with: the one
// handle through which the rooms use the broker. It has every method of
// kgo.Client, and those of this package that need to know our topics. It may be
// used by several goroutines at once.
type Client struct {
	*kgo.Client
	cfg Config
	end context.CancelFunc // breaks off every request
}

// Open checks the settings and makes a client; it does not connect before it is
// used. The caller closes it. opts come last and win over ours.
func Open(cfg Config, opts ...kgo.Opt) (*Client, error) {
	ctx, end := context.WithCancel(context.Background())
	cl, err := cfg.newClient(append([]kgo.Opt{kgo.WithContext(ctx)}, opts...)...)
	if err != nil {
		end()
		return nil, err
	}
	return &Client{Client: cl, cfg: cfg, end: end}, nil
}

// closeTimeout is how long Close waits for brokers.
const closeTimeout = time.Second

// Close leaves the consumer group, if there is one, and closes the client. After
// a second it breaks off whatever is still under way: the client itself waits for
// answers in the order of its requests, and so for a broker that accepts
// connections and answers nothing. Close ends soon after that, unless a
// callback of the group does not end with its context.
func (c *Client) Close() {
	timer := time.AfterFunc(closeTimeout, c.end)
	defer timer.Stop()
	c.Client.Close()
}

// BreakOff ends every request that is under way, and those to come. The client is
// of no more use, but has to be closed.
func (c *Client) BreakOff() { c.end() }

// Leave leaves the consumer group and closes the client. It waits until the
// group's callbacks have ended and the broker has answered, or ctx ends; then it
// breaks off whatever is still under way, and the callbacks see their context
// end. Close alone would not wait for the answer.
func (c *Client) Leave(ctx context.Context) error {
	c.AllowRebalance()
	err := c.LeaveGroupContext(ctx)
	if err != nil {
		c.end()
	}
	c.Close()
	// Close leaves once more and does not wait for it, and it polls once for what
	// is still buffered, which holds up that second leaving until it is allowed.
	c.AllowRebalance()
	return err
}

// Open makes another client with the same settings, such as a member of a
// consumer group.
func (c *Client) Open(opts ...kgo.Opt) (*Client, error) { return Open(c.cfg, opts...) }

// Config is what the client was made with.
func (c *Client) Config() Config { return c.cfg }

// Topics are the names of our topics.
func (c *Client) Topics() Topics { return c.cfg.Topics() }

// Group is the name of a role's consumer group.
func (c *Client) Group(role string) string { return c.cfg.Group(role) }

func (c *Client) admin() *kadm.Client { return kadm.NewClient(c.Client) }

func (c Config) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	tlsConf, err := c.TLS.Config()
	if err != nil {
		return nil, err
	}
	all := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.clientID()),
		kgo.WithLogger(newClientLog(c.Log, time.Now)),
		kgo.DialTimeout(5 * time.Second),
		kgo.RequestTimeoutOverhead(10 * time.Second),
		// An unreachable broker is noticed by whoever asks; it is asked for no
		// longer than this, and callers that want to wait ask again.
		kgo.RetryTimeout(20 * time.Second),
		kgo.RetryBackoffFn(backoff),
		// A partition that moves to another leader is found at once on an
		// error; without one, a minute is soon enough to see new ones.
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MetadataMaxAge(time.Minute),
		// A proxy or a load balancer accepts a connection and closes it where
		// no broker is behind it just now. Wrong settings look the same: they
		// are reported by EnsureTopics, with which everything begins.
		kgo.AlwaysRetryEOF(),
		kgo.DisableClientMetrics(),
	}
	if tlsConf != nil {
		all = append(all, kgo.DialTLSConfig(tlsConf))
	}
	if c.Dial != nil {
		all = append(all, kgo.Dialer(c.Dial))
	}
	if m := c.SASL.mechanism(); m != nil {
		all = append(all, kgo.SASL(m))
	}
	cl, err := kgo.NewClient(append(all, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client settings: %w", err)
	}
	return cl, nil
}

// backoff doubles from 50 ms to 2 s: short enough that a restarted broker is
// back in use at once, long enough that asking an unreachable one costs nothing.
func backoff(fails int) time.Duration {
	d := 50 * time.Millisecond
	for ; fails > 1 && d < 2*time.Second; fails-- {
		d *= 2
	}
	return min(d, 2*time.Second)
}

func (s SASL) mechanism() sasl.Mechanism {
	scramAuth := func(context.Context) (scram.Auth, error) {
		p, err := s.password()
		return scram.Auth{User: s.User, Pass: p}, err
	}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			p, err := s.password()
			return plain.Auth{User: s.User, Pass: p}, err
		})
	case "SCRAM-SHA-256":
		return scram.Sha256(scramAuth)
	case "SCRAM-SHA-512":
		return scram.Sha512(scramAuth)
	}
	return nil
}

// ProducerOptions are the settings of everything that writes to the log: a
// record is acknowledged by all in-sync replicas, once; a batch is never given
// up before its context ends; memory is bounded, and Produce waits when it is
// full. A record whose context ended may be on the log all the same: writing it
// again is harmless, because the first copy counts. The records of a partition end
// in order, so one whose context ends waits for an older one whose context does
// not: give all records a deadline, or none. Records do not linger: while a
// request is under way, the next one's gather. Callers set Record.Partition.
func ProducerOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
		kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.AllowIdempotentProduceCancellation(),
		// Brokers that restart may not know a topic for a moment; one that is
		// gone is an error in the end.
		kgo.UnknownTopicRetries(20),
		kgo.MaxBufferedRecords(200_000),
		kgo.MaxBufferedBytes(64 << 20),
		kgo.ProducerBatchMaxBytes(1_000_000),
	}
}

// ConsumerOptions are the settings of group members: those of ReaderOptions,
// and nothing is committed by itself. Whether a rebalance waits for the poll
// loop is the caller's choice.
func ConsumerOptions() []kgo.Opt {
	return append(ReaderOptions(), kgo.DisableAutoCommit())
}

// ReaderOptions are the settings of everything that reads: read committed, and
// control records are handed out too, because their offsets count as read. A
// fetch is at most 8 MiB as compressed, some 150,000 events; the client holds
// one a broker ahead of the one in use.
func ReaderOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMinBytes(1),
		kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.FetchMaxBytes(8 << 20),
		kgo.FetchMaxPartitionBytes(1 << 20),
		kgo.MaxDecompressBatchBytes(maxBatch),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}
}
