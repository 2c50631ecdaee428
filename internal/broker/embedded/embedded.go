// Package embedded runs a broker inside this process, for trying out and for
// tests, never for production: it is one process on one disk.
//
// It promises: a record is on disk when its produce is acknowledged, a commit
// when it is answered; a restart in the same folder continues with the same
// cluster id, topic ids, records, commits and their metadata, however the
// process ended; a deleted folder is another log; a folder serves one broker
// at a time; only this machine can connect.
package embedded

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
)

// ErrInUse says that another broker runs in the folder.
var ErrInUse = errors.New("another broker is running in the folder: stop that one, or join it")

// Options of an embedded broker; the zero value is right for normal use.
type Options struct {
	// Addr is the loopback host:port to listen on. Empty: a free port.
	Addr string
	// NoSync leaves writes to the operating system: faster, and lost with the
	// machine. For tests.
	NoSync bool
	// Log gets what goes wrong inside the broker. The zero value is silent.
	Log zerolog.Logger
	// Kafka is for tests: users, TLS, faults.
	Kafka []kfake.Opt
}

// Broker is a running embedded broker.
type Broker struct {
	addr    string
	cluster *kfake.Cluster
	lock    *flock.Flock
	close   sync.Once
	err     error
}

// Start opens the log in dir, or makes a new one there, and serves it on
// loopback. The caller closes it.
func Start(dir string, opts Options) (*Broker, error) {
	b, err := start(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("start embedded broker in %s: %w", dir, err)
	}
	return b, nil
}

func start(dir string, opts Options) (*Broker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "broker.lock"))
	if ok, err := lock.TryLock(); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	} else if !ok {
		return nil, ErrInUse
	}
	addr := opts.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	kopts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.DataDir(dir),
		// Used for a new folder only; afterwards the one on disk counts.
		kfake.ClusterID(uuid.NewString()),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, addr) }),
		// Tests need a lost member to be noticed soon.
		kfake.GroupMinSessionTimeout(500 * time.Millisecond),
		kfake.WithLogger(logger{opts.Log}),
	}
	if !opts.NoSync {
		kopts = append(kopts, kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(append(kopts, opts.Kafka...)...)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Broker{addr: cluster.ListenAddrs()[0], cluster: cluster, lock: lock}, nil
}

// Addr is the host:port to connect to.
func (b *Broker) Addr() string { return b.addr }

// Cluster is the broker inside, through which tests make it fail.
func (b *Broker) Cluster() *kfake.Cluster { return b.cluster }

// Close stops serving, writes everything to disk and releases the folder.
// Clients see their connections end. It may be called more than once.
func (b *Broker) Close() error {
	b.close.Do(func() {
		b.cluster.Close()
		if err := b.lock.Close(); err != nil {
			b.err = fmt.Errorf("unlock embedded broker's folder: %w", err)
		}
	})
	return b.err
}

// logger hands on what the broker calls a warning or an error; the rest is
// about single requests.
type logger struct{ log zerolog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error().Msgf("embedded broker: "+format, args...)
	case kfake.LogLevelWarn:
		l.log.Warn().Msgf("embedded broker: "+format, args...)
	}
}
