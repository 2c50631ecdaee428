//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	startDeadline = 60 * time.Second // of one attempt: a folder with much data takes its time
	startAttempts = 5
	cleanStop     = 2 * time.Second

	restartPatience = 10 * time.Second // with ports that are taken, and the like
)

// A Server is an engine in its folder. Its methods may be called by several
// goroutines at once.
type Server struct {
	setup // what every one of its engines is started with
	lock  *flock.Flock

	life context.Context // ends when the engine is asked to end
	stop context.CancelFunc

	starting sync.Mutex // held by Restart, and by Close when no more starts come
	mu       sync.Mutex
	engine   *process // the present one, under mu
}

// Start starts an engine on the data in o.Dir and returns when it answers. The
// engine runs until Close or until this process ends; ctx bounds the start
// alone. Only one engine runs in a folder.
func Start(ctx context.Context, o Options) (*Server, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil || o.Dir == "" {
		return nil, errors.Join(errors.New("start the embedded ClickHouse: no data folder given"), err)
	}
	if o.Database == "" {
		o.Database = "clickstream"
	}
	if err := MakeFolder(dir); err != nil {
		return nil, fmt.Errorf("make the embedded ClickHouse's folder: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { // it may have been there
		return nil, fmt.Errorf("close the embedded ClickHouse's folder to others: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "engine.lock"))
	free, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the embedded ClickHouse's folder: %w", err)
	}
	if !free {
		return nil, fmt.Errorf("start the embedded ClickHouse: another clickstream runs one in %s: stop that one, or use another folder", dir)
	}
	s, err := start(ctx, dir, o)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	s.life, s.stop = context.WithCancel(context.Background())
	return s, nil
}

func start(ctx context.Context, dir string, o Options) (*Server, error) {
	s := &Server{setup: setup{dir: dir, program: o.Engine, log: o.Log}}
	var err error
	if s.credentials, err = loadOrMakeCredentials(dir); err != nil {
		return nil, err
	}
	if s.config, err = writeConfig(dir, o.Database, o.Engines, s.credentials); err != nil {
		return nil, err
	}
	if s.program == "" {
		if s.program, err = install(ctx, o.Progress); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		if s.tcp, s.http, err = freePorts(); err != nil {
			return nil, err
		}
		s.engine, err = s.launch(ctx)
		if err == nil {
			return s, nil
		}
		if attempt == startAttempts || !passing(err) {
			return nil, err
		}
		s.log.Debug().Err(err).Int("attempt", attempt).Msg("the embedded ClickHouse did not start: trying again")
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Duration(attempt) * 100 * time.Millisecond):
		}
	}
}

// Restart starts the engine again after it ended by itself, in its folder, at
// the same addresses and with the same passwords, so that clients need only
// connect again. It returns when the engine answers; an engine that still runs
// is left alone. A port that another program took meanwhile is waited for, for
// a while. After Close there is no Restart, and Close ends one that is under
// way.
func (s *Server) Restart(ctx context.Context) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.life.Err() != nil {
		return errClosed
	}
	if s.present().runs() {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()

	for deadline := time.Now().Add(restartPatience); ; {
		err := portsFree(s.tcp, s.http)
		if err == nil {
			var engine *process
			if engine, err = s.launch(ctx); err == nil {
				s.mu.Lock()
				s.engine = engine
				s.mu.Unlock()
				return nil
			}
		}
		switch {
		case s.life.Err() != nil:
			return errClosed
		case ctx.Err() != nil, !passing(err), time.Now().After(deadline):
			return fmt.Errorf("start the embedded ClickHouse again: %w", err)
		}
		s.log.Debug().Err(err).Msg("the embedded ClickHouse did not start again: trying once more")
		select {
		case <-ctx.Done(): // the next attempt says so
		case <-time.After(200 * time.Millisecond):
		}
	}
}

var errClosed = errors.New("start the embedded ClickHouse again: it was closed")

// passing tells the failures that a further attempt may not meet: the port was
// taken between our look and the engine's, the engine of a process that was
// killed is still running, or another client used up the session's quota before
// the session did.
func passing(err error) bool {
	if errors.Is(err, syscall.EADDRINUSE) {
		return true
	}
	for _, sign := range []string{"Address already in use", "Cannot lock file", "QUOTA_EXCEEDED"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

// TCPAddr is where the native protocol is spoken, "127.0.0.1:port".
func (s *Server) TCPAddr() string { return s.tcp }

// HTTPAddr is where HTTP is spoken, "127.0.0.1:port".
func (s *Server) HTTPAddr() string { return s.http }

// Credentials are the passwords of the users User and GrafanaUser.
func (s *Server) Credentials() Credentials { return s.credentials }

// Done is closed when the present engine has ended, asked or not. After a
// Restart there is another engine, and Done has to be asked for again.
func (s *Server) Done() <-chan struct{} { return s.present().done }

// Err says why the present engine ended though it was not asked to, with the
// last lines of its output; nil while it runs, and nil when it was asked.
func (s *Server) Err() error {
	engine := s.present()
	if engine.runs() || s.life.Err() != nil {
		return nil //nolint:nilerr // it runs, or was asked to end
	}
	return engine.deathError()
}

func (s *Server) present() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine
}

// Close ends the engine and returns when it is gone. It lets the engine finish
// for up to two seconds; after that it is killed, which loses no acknowledged
// row either. Closing twice is harmless.
func (s *Server) Close() error {
	s.stop()
	s.starting.Lock() // a Restart gives up, and no other begins
	defer s.starting.Unlock()
	engine := s.present()
	if engine.runs() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanStop)
		defer cancel()
		// The engine's session ends with its last statement, and the engine
		// with its session. The session has no user's name of its own.
		if err := s.execute(ctx, "KILL QUERY WHERE user = ''"); err == nil {
			select {
			case <-engine.done:
			case <-ctx.Done():
				s.log.Debug().Msg("the embedded ClickHouse takes long to stop: killing it")
			}
		}
		engine.end()
	}
	s.lock.Close()
	return nil
}

// Kill ends the engine as a crash would, and returns when it is gone. When it
// was not preceded by Close, Err reports it; Close still has to be called.
func (s *Server) Kill() { s.present().kill() }

// freePorts finds two addresses that are free now.
func freePorts() (tcp, http string, err error) {
	var found [2]string
	for i := range found {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return "", "", fmt.Errorf("find a free port for the embedded ClickHouse: %w", err)
		}
		defer l.Close() // after both are found, so that they differ
		found[i] = l.Addr().String()
	}
	return found[0], found[1], nil
}

// portsFree tells whether an engine could listen there. Were another program
// let answer in its place, it would be given the password.
func portsFree(addrs ...string) error {
	for _, addr := range addrs {
		l, err := net.Listen("tcp4", addr)
		if err != nil {
			return fmt.Errorf("another program has taken its address %s (a new start uses other ports): %w", addr, err)
		}
		l.Close()
	}
	return nil
}
