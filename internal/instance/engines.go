package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	brokerembedded "clickstream/internal/broker/embedded"
	"clickstream/internal/event"
	"clickstream/warehouse"
	clickhouseembedded "clickstream/warehouse/embedded"
)

// Engines are the broker and the ClickHouse that a command works with: those
// of its Config, those of the folder's running instance, or embedded ones that
// this command started and closes.
type Engines struct {
	Broker        broker.Config
	ClickHouse    warehouse.Config
	folder        *folder // nil where nothing embedded is in use
	ownBroker     *brokerembedded.Broker
	ownClickHouse *clickhouseembedded.Server
	started       bool        // this command started an engine
	running       *event.Rule // the rule of the instance that this command has joined
}

// Sharing says how a command uses a folder's embedded engines.
type Sharing int

const (
	JoinOrStart Sharing = iota // join the running instance, or start engines for the command's own duration
	StartAlone                 // start them; a running instance is refused
	JoinOnly                   // only ever join
)

// Config says which engines to use. An engine without an address is that of the
// instance running in Dir, or an embedded one.
type Config struct {
	Broker     broker.Config
	ClickHouse warehouse.Config
	Dir        string // the instance's folder
	Sharing    Sharing
	Log        zerolog.Logger
	// Installing, which may be nil, is called while the embedded ClickHouse is
	// installed.
	Installing func(clickhouseembedded.Installation)
}

// validate reports every problem of the engines that are given, together.
func (c Config) validate() error {
	var errs []error
	if len(c.Broker.Brokers) > 0 {
		errs = append(errs, c.Broker.Validate())
	}
	if len(c.ClickHouse.Addr) > 0 {
		errs = append(errs, c.ClickHouse.Validate())
	}
	return errors.Join(errs...)
}

// Open finds the engines, or starts them in the folder. The caller closes them.
func Open(ctx context.Context, cfg Config) (_ *Engines, err error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	e := &Engines{Broker: cfg.Broker, ClickHouse: cfg.ClickHouse}
	e.Broker.Log = cfg.Log
	needBroker, needClickHouse := len(e.Broker.Brokers) == 0, len(e.ClickHouse.Addr) == 0
	if !needBroker && !needClickHouse {
		return e, nil
	}
	if cfg.Sharing == JoinOnly && !published(cfg.Dir) {
		return nil, noInstance(cfg.Dir, needBroker, needClickHouse)
	}
	f, running, err := openFolder(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if running != nil {
		if cfg.Sharing == StartAlone {
			return nil, fmt.Errorf("folder %s belongs to a running instance (process %d): stop it first, or give another --data-dir", cfg.Dir, running.PID)
		}
		return e, e.join(cfg.Dir, *running, needBroker, needClickHouse)
	}
	if cfg.Sharing == JoinOnly { // left by an instance that was killed
		return nil, errors.Join(noInstance(cfg.Dir, needBroker, needClickHouse), f.Close())
	}
	e.folder, e.started = f, true
	if err := e.start(ctx, cfg, needBroker, needClickHouse); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// start starts the embedded engines that are needed.
func (e *Engines) start(ctx context.Context, cfg Config, needBroker, needClickHouse bool) (err error) {
	if needBroker {
		e.ownBroker, err = brokerembedded.Start(filepath.Join(cfg.Dir, "log"), brokerembedded.Options{Log: cfg.Log})
		if err != nil {
			return fmt.Errorf("start the embedded broker: %w", err)
		}
		e.Broker.Brokers = []string{e.ownBroker.Addr()}
	}
	if needClickHouse {
		e.ownClickHouse, err = clickhouseembedded.Start(ctx, clickhouseembedded.Options{
			Dir: filepath.Join(cfg.Dir, "clickhouse"), Database: e.ClickHouse.Database, Log: cfg.Log, Progress: cfg.Installing,
		})
		if err != nil {
			return fmt.Errorf("start the embedded ClickHouse: %w", err)
		}
		e.useOwnClickHouse()
	}
	return nil
}

// noInstance says what a command that only joins lacks.
func noInstance(dir string, needBroker, needClickHouse bool) error {
	var missing []string
	if needBroker {
		missing = append(missing, "--kafka-brokers")
	}
	if needClickHouse {
		missing = append(missing, "--clickhouse-addr")
	}
	return fmt.Errorf("no instance is running in %s: start one with clickstream serve or demo, give another --data-dir, or give %s",
		dir, strings.Join(missing, " and "))
}

// join points e at a running instance's engines.
func (e *Engines) join(dir string, running addresses, needBroker, needClickHouse bool) error {
	e.running = running.Rule
	if needBroker {
		if running.Broker == "" {
			return fmt.Errorf("the instance running in %s uses a broker of its own choice: give --kafka-brokers as it was given there", dir)
		}
		e.Broker.Brokers = []string{running.Broker}
	}
	if needClickHouse {
		if running.ClickHouse == "" {
			return fmt.Errorf("the instance running in %s uses a ClickHouse of its own choice: give --clickhouse-addr as it was given there", dir)
		}
		e.ClickHouse.Addr = []string{running.ClickHouse}
		e.ClickHouse.User, e.ClickHouse.Password = running.User, running.Password
	}
	return nil
}

// useOwnClickHouse points e at the embedded ClickHouse as it runs now.
func (e *Engines) useOwnClickHouse() {
	s := e.ownClickHouse
	e.ClickHouse.Addr = []string{s.TCPAddr()}
	e.ClickHouse.User, e.ClickHouse.Password, e.ClickHouse.PasswordFile = clickhouseembedded.User, s.Credentials().Password, ""
}

// Publish leaves the addresses in the folder, for commands that join.
func (e *Engines) Publish(rule event.Rule, links map[string]string) error {
	if e.folder == nil {
		return nil
	}
	in := addresses{PID: os.Getpid(), Rule: &rule, Links: links}
	if e.ownBroker != nil {
		in.Broker = e.ownBroker.Addr()
	}
	if e.ownClickHouse != nil {
		in.ClickHouse, in.ClickHouseHTTP = e.ownClickHouse.TCPAddr(), e.ownClickHouse.HTTPAddr()
		in.User, in.Password = e.ClickHouse.User, e.ClickHouse.Password
	}
	return e.folder.publish(in)
}

// Started says whether this command started an engine.
func (e *Engines) Started() bool { return e.started }

// EmbeddedClickHouse is the ClickHouse that this command started, or nil.
func (e *Engines) EmbeddedClickHouse() *clickhouseembedded.Server { return e.ownClickHouse }

// RuleOr is the rule that a command means: the one it was given or, where it
// was given none, that of the instance it has joined.
func (e *Engines) RuleOr(given event.Rule) event.Rule {
	if e.running != nil && given == event.DefaultRule() {
		return *e.running
	}
	return given
}

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
