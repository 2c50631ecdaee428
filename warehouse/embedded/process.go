//go:build !noembed && (linux || darwin)

package embedded

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// A setup is what an engine is started with.
type setup struct {
	dir, config string
	program     string // what install returned
	tcp, http   string // host:port
	credentials Credentials
	log         zerolog.Logger
}

// A process is one engine, from its start to its end.
type process struct {
	cmd    *exec.Cmd
	output *tail
	parent *os.File // our end of the pipe that the child watches

	done    chan struct{} // closed when the child is gone
	waitErr error         // what its end was; read it after done
}

// launch starts an engine and returns when it answers.
func (s *setup) launch(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own program to start as the embedded ClickHouse: %w", err)
	}
	_, tcp, _ := net.SplitHostPort(s.tcp)
	_, http, _ := net.SplitHostPort(s.http)
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the embedded ClickHouse: %w", err)
	}
	defer read.Close()
	p := &process{output: &tail{}, parent: write, done: make(chan struct{})}
	p.cmd = exec.Command(self, childCommand, s.program, //nolint:noctx // end and kill end it
		"--path", filepath.Join(s.dir, "data"), "--config-file", s.config, "--log-level", "none",
		"--listen_host", "127.0.0.1", "--tcp_port", tcp, "--http_port", http,
		"--query", strings.Join(sessionStatements, ";"))
	p.cmd.Dir = s.dir
	p.cmd.Env = childEnvironment(os.Environ())
	p.cmd.Stderr = p.output
	p.cmd.ExtraFiles = []*os.File{read} // it is parentPipe there
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("start the embedded ClickHouse: %w", err)
	}
	go func() {
		p.waitErr = p.cmd.Wait()
		p.parent.Close() // a second time, if it was asked to end
		close(p.done)
	}()
	if err := s.waitUntilUp(ctx, p); err != nil {
		p.kill()
		return nil, err
	}
	s.log.Debug().Str("tcp", s.tcp).Str("http", s.http).Str("dir", s.dir).Msg("the embedded ClickHouse is up")
	return p, nil
}

func (s *setup) waitUntilUp(ctx context.Context, p *process) error {
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
		case <-p.done:
			return p.deathError()
		case <-ctx.Done():
			return fmt.Errorf("wait for the embedded ClickHouse: %w: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// execute runs one statement as the user of the pipeline.
func (s *setup) execute(ctx context.Context, sql string) error {
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
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	return err
}

func (p *process) runs() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// deathError is for after done.
func (p *process) deathError() error {
	output := strings.TrimSpace(p.output.String())
	if output == "" {
		output = "it printed nothing"
	}
	if p.waitErr == nil {
		return fmt.Errorf("the embedded ClickHouse ended by itself: %s", output)
	}
	return fmt.Errorf("the embedded ClickHouse ended by itself: %w: %s", p.waitErr, output)
}

// end asks the engine to stop, and kills it when it does not.
func (p *process) end() {
	p.parent.Close() // the child goes when it sees this
	select {
	case <-p.done:
	case <-time.After(cleanStop):
		p.kill()
	}
}

func (p *process) kill() {
	if !p.runs() { // its number may be another's by now
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
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
