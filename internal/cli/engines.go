package cli

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

// engines are the broker and the ClickHouse that a command works with: those
// given by flags, those of the folder's running instance, or embedded ones that
// this command started and closes.
type engines struct {
	broker        broker.Config
	clickhouse    warehouse.Config
	folder        *folder // nil where nothing embedded is in use
	ownBroker     *brokerembedded.Broker
	ownClickHouse *clickhouseembedded.Server
	started       bool        // this command started an engine
	running       *event.Rule // the rule of the instance that this command has joined
}

// sharing says how a command uses a folder's embedded engines.
type sharing int

const (
	joinOrStart sharing = iota // join the running instance, or start engines for the command's own duration
	startAlone                 // start them; a running instance is refused
	joinOnly                   // only ever join
)

// openEngines finds the engines, or starts them in the folder.
func openEngines(ctx context.Context, t *terminal, flags *engineFlags, dir string, use sharing, log zerolog.Logger) (_ *engines, err error) {
	if err := flags.check(); err != nil {
		return nil, err
	}
	e := &engines{broker: flags.broker(), clickhouse: flags.clickhouse()}
	e.broker.Log = log
	needBroker, needClickHouse := len(e.broker.Brokers) == 0, len(e.clickhouse.Addr) == 0
	if !needBroker && !needClickHouse {
		return e, nil
	}
	if use == joinOnly && !published(dir) {
		return nil, noInstance(dir, needBroker, needClickHouse)
	}
	f, running, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	if running != nil {
		if use == startAlone {
			return nil, fmt.Errorf("folder %s belongs to a running instance (process %d): stop it first, or give another --data-dir", dir, running.PID)
		}
		return e, e.join(dir, *running, needBroker, needClickHouse)
	}
	if use == joinOnly { // left by an instance that was killed
		return nil, errors.Join(noInstance(dir, needBroker, needClickHouse), f.Close())
	}
	e.folder, e.started = f, true
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if needBroker {
		e.ownBroker, err = brokerembedded.Start(filepath.Join(dir, "log"), brokerembedded.Options{Log: log})
		if err != nil {
			return nil, fmt.Errorf("start the embedded broker: %w", err)
		}
		e.broker.Brokers = []string{e.ownBroker.Addr()}
	}
	if needClickHouse {
		s := t.status()
		e.ownClickHouse, err = clickhouseembedded.Start(ctx, clickhouseembedded.Options{
			Dir: filepath.Join(dir, "clickhouse"), Database: e.clickhouse.Database, Log: log, Progress: s.installing,
		})
		s.clear()
		if err != nil {
			return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
		}
		e.useOwnClickHouse()
	}
	return e, nil
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
func (e *engines) join(dir string, running instance, needBroker, needClickHouse bool) error {
	e.running = running.Rule
	if needBroker {
		if running.Broker == "" {
			return fmt.Errorf("the instance running in %s uses a broker of its own choice: give --kafka-brokers as it was given there", dir)
		}
		e.broker.Brokers = []string{running.Broker}
	}
	if needClickHouse {
		if running.ClickHouse == "" {
			return fmt.Errorf("the instance running in %s uses a ClickHouse of its own choice: give --clickhouse-addr as it was given there", dir)
		}
		e.clickhouse.Addr = []string{running.ClickHouse}
		e.clickhouse.User, e.clickhouse.Password = running.User, running.Password
	}
	return nil
}

// useOwnClickHouse points e at the embedded ClickHouse as it runs now.
func (e *engines) useOwnClickHouse() {
	s := e.ownClickHouse
	e.clickhouse.Addr = []string{s.TCPAddr()}
	e.clickhouse.User, e.clickhouse.Password, e.clickhouse.PasswordFile = clickhouseembedded.User, s.Credentials().Password, ""
}

// publish leaves the addresses in the folder, for commands that join.
func (e *engines) publish(rule event.Rule, links map[string]string) error {
	if e.folder == nil {
		return nil
	}
	in := instance{PID: os.Getpid(), Rule: &rule, Links: links}
	if e.ownBroker != nil {
		in.Broker = e.ownBroker.Addr()
	}
	if e.ownClickHouse != nil {
		in.ClickHouse, in.ClickHouseHTTP = e.ownClickHouse.TCPAddr(), e.ownClickHouse.HTTPAddr()
		in.User, in.Password = e.clickhouse.User, e.clickhouse.Password
	}
	return e.folder.publish(in)
}

// ruleOr is the rule that a command means: the one it was given or, where it
// was given none, that of the instance it has joined.
func (e *engines) ruleOr(given event.Rule) event.Rule {
	if e.running != nil && given == event.DefaultRule() {
		return *e.running
	}
	return given
}

// Close ends what this command started.
func (e *engines) Close() error {
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
