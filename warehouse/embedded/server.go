//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/rs/zerolog"
)

const (
	startDeadline = 60 * time.Second // of one attempt: a folder with much data takes its time
	startAttempts = 5
	cleanStop     = 2 * time.Second
)

// A Server is a running engine. Its methods may be called by several
// goroutines at once.
type Server struct {
	tcp, http   string
	credentials Credentials
	log         zerolog.Logger

	cmd    *exec.Cmd
	said   *tail
	parent *os.File // our end of the pipe that the child watches
	lock   *flock.Flock

	done    chan struct{} // closed when the child is gone
	waitErr error         // what its end was; read it after done
	stop    sync.Once
	stopped chan struct{} // closed when somebody wants it to end
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
	if err := os.MkdirAll(dir, 0o700); err != nil {
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
	return s, nil
}

func start(ctx context.Context, dir string, o Options) (*Server, error) {
	credentials, err := loadOrMakeCredentials(dir)
	if err != nil {
		return nil, err
	}
	config, err := writeConfig(dir, o.Database, credentials)
	if err != nil {
		return nil, err
	}
	if o.Engine == "" {
		if o.Engine, err = Install(ctx, o.Progress); err != nil {
			return nil, err
		}
	}
	for attempt := 1; ; attempt++ {
		s, err := attemptStart(ctx, dir, config, credentials, o)
		if err == nil || attempt == startAttempts || !passing(err) {
			return s, err
		}
		o.Log.Debug().Err(err).Int("attempt", attempt).Msg("the embedded ClickHouse did not start: trying again")
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Duration(attempt) * 100 * time.Millisecond):
		}
	}
}

// passing tells the failures that a further attempt may not meet: the port was
// taken between our look and the engine's, the engine of a process that was
// killed is still going, or somebody used up the session's quota by being
// quicker than the session.
func passing(err error) bool {
	for _, sign := range []string{"Address already in use", "Cannot lock file", "QUOTA_EXCEEDED"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

func attemptStart(ctx context.Context, dir, config string, credentials Credentials, o Options) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own program to start as the embedded ClickHouse: %w", err)
	}
	tcp, http, err := freePorts()
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the embedded ClickHouse: %w", err)
	}
	defer read.Close()
	s := &Server{
		tcp: net.JoinHostPort("127.0.0.1", tcp), http: net.JoinHostPort("127.0.0.1", http),
		credentials: credentials, log: o.Log,
		said: &tail{}, parent: write,
		done: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.cmd = exec.Command(self, childCommand, o.Engine,
		"--path", filepath.Join(dir, "data"), "--config-file", config, "--log-level", "none",
		"--listen_host", "127.0.0.1", "--tcp_port", tcp, "--http_port", http,
		"--query", strings.Join(sessionStatements, ";"))
	s.cmd.Dir = dir
	s.cmd.Env = childEnvironment(os.Environ())
	s.cmd.Stderr = s.said
	s.cmd.ExtraFiles = []*os.File{read} // it is parentPipe there
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.WaitDelay = time.Second
	if err := s.cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
	}
	go func() {
		s.waitErr = s.cmd.Wait()
		close(s.done)
	}()
	if err := s.waitUntilUp(ctx); err != nil {
		s.Kill()
		write.Close()
		return nil, err
	}
	o.Log.Debug().Str("tcp", s.tcp).Str("http", s.http).Str("dir", dir).Msg("the embedded ClickHouse is up")
	return s, nil
}

func (s *Server) waitUntilUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := s.execute(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return s.deathError()
		case <-ctx.Done():
			return fmt.Errorf("wait for the embedded ClickHouse: %w: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// TCPAddr is where the native protocol is spoken, "127.0.0.1:port".
func (s *Server) TCPAddr() string { return s.tcp }

// HTTPAddr is where HTTP is spoken, "127.0.0.1:port".
func (s *Server) HTTPAddr() string { return s.http }

// Credentials are the passwords of the users User and GrafanaUser.
func (s *Server) Credentials() Credentials { return s.credentials }

// Done is closed when the engine has ended, asked or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the engine ended though nobody asked it to, with the last lines
// that it said; nil while it runs, and nil when it was asked.
func (s *Server) Err() error {
	select {
	case <-s.done:
	default:
		return nil
	}
	select {
	case <-s.stopped:
		return nil
	default:
		return s.deathError()
	}
}

func (s *Server) deathError() error {
	said := strings.TrimSpace(s.said.String())
	if said == "" {
		said = "it said nothing"
	}
	if s.waitErr == nil {
		return fmt.Errorf("the embedded ClickHouse ended by itself: %s", said)
	}
	return fmt.Errorf("the embedded ClickHouse ended by itself: %w: %s", s.waitErr, said)
}

// Close ends the engine and returns when it is gone. It lets the engine finish
// for up to two seconds; after that it is killed, which loses no acknowledged
// row either. Closing twice is harmless.
func (s *Server) Close() error {
	s.stop.Do(func() {
		close(s.stopped)
		ctx, cancel := context.WithTimeout(context.Background(), cleanStop)
		defer cancel()
		// The engine's session ends with its last statement, and the engine
		// with its session. The session has no user's name of its own.
		if err := s.execute(ctx, "KILL QUERY WHERE user = ''"); err == nil {
			select {
			case <-s.done:
			case <-ctx.Done():
				s.log.Debug().Msg("the embedded ClickHouse takes long to stop: killing it")
			}
		}
		s.end()
	})
	<-s.done
	return nil
}

// Kill ends the engine as a crash would, and returns when it is gone. When it
// was not preceded by Close, Err reports it; Close still has to be called.
func (s *Server) Kill() {
	select {
	case <-s.done: // its number may be another's by now
		return
	default:
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.done
}

func (s *Server) end() {
	s.parent.Close() // the child goes when it sees this
	select {
	case <-s.done:
	case <-time.After(cleanStop):
		s.Kill()
	}
	if s.lock != nil {
		s.lock.Close()
	}
}

// execute runs one statement as the user of the pipeline.
func (s *Server) execute(ctx context.Context, sql string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, (&url.URL{Scheme: "http", Host: s.http, Path: "/"}).String(), strings.NewReader(sql))
	if err != nil {
		return err
	}
	r.Header.Set("X-ClickHouse-User", User)
	r.Header.Set("X-ClickHouse-Key", s.credentials.Password)
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(said)))
	}
	return err
}

// freePorts finds two ports that are free now.
func freePorts() (tcp, http string, err error) {
	var ports [2]string
	for i := range ports {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return "", "", fmt.Errorf("find a free port for the embedded ClickHouse: %w", err)
		}
		defer l.Close() // after both are found, so that they differ
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports[0], ports[1], nil
}

// childEnvironment leaves out what is set for us, passwords among it, and what
// would be taken for settings of ClickHouse's own client.
func childEnvironment(ours []string) []string {
	var env []string
	for _, v := range ours {
		if !strings.HasPrefix(v, "CLICKSTREAM_") && !strings.HasPrefix(v, "CLICKHOUSE_") {
			env = append(env, v)
		}
	}
	return env
}
