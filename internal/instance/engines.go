package instance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	brokerembedded "clickstream/internal/broker/embedded"
	"clickstream/warehouse"
	clickhouseembedded "clickstream/warehouse/embedded"
)

// Engines are the broker and the ClickHouse that a command works with: those
// of its Config, those of the folder's running instance, or embedded ones that
// this command started and closes.
type Engines struct {
	Kafka         broker.Config
	ClickHouse    warehouse.Config
	folder        *folder // nil where this command runs neither embedded engines nor roles
	ownBroker     *brokerembedded.Broker
	ownClickHouse *clickhouseembedded.Server
	started       bool         // this command started an engine
	joined        *Description // of the instance that this command has joined, or nil
}

// Sharing says how a command uses a folder.
type Sharing int

const (
	JoinOrStart Sharing = iota // join the running instance, or start engines for the command's own duration
	JoinOrOpen                 // the same, but only where the folder holds data: for commands that only read
	StartAlone                 // own the folder, and start the engines that are not given; a running instance is refused
	JoinOnly                   // only ever join
)

// Config says which engines to use. An engine without an address is that of the
// instance running in Dir, or an embedded one.
type Config struct {
	Kafka      broker.Config
	ClickHouse warehouse.Config
	Dir        string // the instance's folder
	Sharing    Sharing
	// BrokerOnly is for a command that needs no ClickHouse.
	BrokerOnly bool
	// ClickHouseOnly is for a command that needs no broker.
	ClickHouseOnly bool
	Log            zerolog.Logger
	// Installing, which may be nil, is called while the embedded ClickHouse is
	// installed.
	Installing func(clickhouseembedded.Installation)
}

// validate reports every problem of the engines that are given, together.
func (c Config) validate() error {
	var errs []error
	if len(c.Kafka.Brokers) > 0 {
		errs = append(errs, c.Kafka.Validate())
	}
	if len(c.ClickHouse.Addr) > 0 {
		errs = append(errs, c.ClickHouse.Validate())
	}
	return errors.Join(errs...)
}

// warnUnencrypted warns of passwords that would cross a network without TLS.
func (c Config) warnUnencrypted() {
	if c.Kafka.SASL.Mechanism != "" && !c.Kafka.TLS.Enabled {
		broker.WarnUnencrypted(c.Log, "Kafka", c.Kafka.Brokers, "--kafka-tls")
	}
	if (c.ClickHouse.Password != "" || c.ClickHouse.PasswordFile != "") && !c.ClickHouse.TLS.Enabled {
		broker.WarnUnencrypted(c.Log, "ClickHouse", c.ClickHouse.Addr, "--clickhouse-tls")
	}
}

// Open finds the engines, or starts them in the folder. It does not connect to
// those that cfg names. The caller closes them.
func Open(ctx context.Context, cfg Config) (_ *Engines, err error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.warnUnencrypted()
	e := &Engines{Kafka: cfg.Kafka, ClickHouse: cfg.ClickHouse}
	e.Kafka.Log = cfg.Log
	needBroker, needClickHouse := len(e.Kafka.Brokers) == 0 && !cfg.ClickHouseOnly, len(e.ClickHouse.Addr) == 0 && !cfg.BrokerOnly
	if !needBroker && !needClickHouse && cfg.Sharing != StartAlone {
		// With both engines given no folder is needed. If an instance of these
		// engines runs in it, its description says more.
		if d, err := Describe(cfg.Dir); err == nil && d != nil && d.isOf(e) {
			e.joined = d
		}
		return e, nil
	}
	if cfg.Sharing == JoinOnly && !published(cfg.Dir) {
		return nil, noInstance(cfg.Dir, needBroker, needClickHouse)
	}
	if cfg.Sharing == JoinOrOpen && !published(cfg.Dir) && !holdsData(cfg.Dir, needBroker, needClickHouse) {
		return nil, noData(cfg.Dir, needBroker, needClickHouse)
	}
	f, running, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if running != nil {
		if cfg.Sharing == StartAlone {
			return nil, fmt.Errorf("folder %s belongs to a running instance (process %d): stop it first, or give another --data-dir", cfg.Dir, running.PID)
		}
		return e, e.join(cfg.Dir, running, needBroker, needClickHouse)
	}
	switch { // an instance that was killed has left its description
	case cfg.Sharing == JoinOnly:
		return nil, errors.Join(noInstance(cfg.Dir, needBroker, needClickHouse), f.Close())
	case cfg.Sharing == JoinOrOpen && !holdsData(cfg.Dir, needBroker, needClickHouse):
		return nil, errors.Join(noData(cfg.Dir, needBroker, needClickHouse), f.Close())
	}
	e.folder, e.started = f, needBroker || needClickHouse
	if err := e.start(ctx, cfg, needBroker, needClickHouse); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// start starts the embedded engines that are needed.
func (e *Engines) start(ctx context.Context, cfg Config, needBroker, needClickHouse bool) (err error) {
	if needBroker {
		e.ownBroker, err = brokerembedded.Start(filepath.Join(cfg.Dir, logFolder), brokerembedded.Options{Log: cfg.Log})
		if err != nil {
			return fmt.Errorf("start the embedded broker: %w", err)
		}
		e.Kafka.Brokers = []string{e.ownBroker.Addr()}
	}
	if needClickHouse {
		e.ownClickHouse, err = clickhouseembedded.Start(ctx, clickhouseembedded.Options{
			Dir: filepath.Join(cfg.Dir, tablesFolder), Database: e.ClickHouse.Database, Log: cfg.Log, Progress: cfg.Installing,
		})
		if err != nil {
			return fmt.Errorf("start the embedded ClickHouse: %w", err)
		}
		e.useOwnClickHouse()
	}
	return nil
}

// join points e at a running instance's engines. What flags have named wins;
// secrets of engines that are not embedded are not in the folder.
func (e *Engines) join(dir string, running *Description, needBroker, needClickHouse bool) error {
	if needBroker {
		from, to := running.Broker, &e.Kafka
		password := to.SASL.Password
		to.Brokers, to.TLS, to.SASL = from.Addresses, from.TLS, from.SASL
		if from.SASL.PasswordFile == "" {
			to.SASL.Password = password
		}
		if to.TopicPrefix == "" {
			to.TopicPrefix = from.TopicPrefix
		}
	}
	if needClickHouse {
		from, to := running.ClickHouse, &e.ClickHouse
		if len(from.Addresses) == 0 {
			return fmt.Errorf("the roles of the instance running in %s need no ClickHouse, so it has none: give --clickhouse-addr", dir)
		}
		to.Addr, to.User, to.TLS = from.Addresses, from.User, from.TLS
		if to.Database == "" || to.Database == warehouse.DefaultDatabase {
			to.Database = from.Database
		}
		switch {
		case from.Password != "":
			to.Password, to.PasswordFile = from.Password, ""
		case from.PasswordFile != "":
			to.Password, to.PasswordFile = "", from.PasswordFile
		}
	}
	e.joined = running
	return nil
}

// useOwnClickHouse points e at the embedded ClickHouse as it runs now.
func (e *Engines) useOwnClickHouse() {
	s := e.ownClickHouse
	e.ClickHouse.Addr = []string{s.TCPAddr()}
	e.ClickHouse.User, e.ClickHouse.Password, e.ClickHouse.PasswordFile = clickhouseembedded.User, s.Credentials().Password, ""
}

// Started says whether this command started an engine.
func (e *Engines) Started() bool { return e.started }

// OwnsBroker says whether this command started the broker: then no other instance
// runs roles on its log.
func (e *Engines) OwnsBroker() bool { return e.ownBroker != nil }

// Joined is the description of the instance that this command has joined, or
// nil.
func (e *Engines) Joined() *Description { return e.joined }

// EmbeddedClickHouse is the ClickHouse that this command started, or nil.
func (e *Engines) EmbeddedClickHouse() *clickhouseembedded.Server { return e.ownClickHouse }

// Close ends what this command started.
func (e *Engines) Close() error {
	var errs []error
	if e.ownClickHouse != nil {
		errs = append(errs, e.ownClickHouse.Close())
	}
	if e.ownBroker != nil {
		errs = append(errs, e.ownBroker.Close())
	}
	if e.folder != nil {
		errs = append(errs, e.folder.Close())
	}
	return errors.Join(errs...)
}
