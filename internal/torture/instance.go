package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// stopLimit is how long an instance may take to stop, whatever hangs.
	stopLimit = 10 * time.Second
	// serveLimit is how long an instance may take until it serves. Kafka and
	// ClickHouse may be unreachable for a part of it.
	serveLimit = 2 * time.Minute
)

// instance is one place for a process of the binary, in a folder of its own.
// Whoever holds its lock may start, stop and pause it.
type instance struct {
	name    string
	binary  string
	args    []string
	env     []string
	dir     string
	journal *journal

	sync.Mutex
	process *process // nil where none runs
	number  int      // of processes so far
}

// process is one run of an instance.
type process struct {
	cmd     *exec.Cmd
	log     *os.File
	tail    []byte        // what it printed last, after done
	serving chan struct{} // closed when it has said that it serves
	done    chan struct{} // closed when it has ended
	err     error         // after done

	mu     sync.Mutex
	wanted bool // its end is our doing
	said   bool // under mu: serving is closed
}

// Write takes what the process prints.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail, text...)
	if !p.said && bytes.Contains(p.tail, []byte(`"message":"serving"`)) {
		p.said = true
		close(p.serving)
	}
	if len(p.tail) > 16<<10 {
		p.tail = append(p.tail[:0], p.tail[len(p.tail)-4<<10:]...)
	}
	return p.log.Write(text)
}

func (p *process) want() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = true
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// start starts a process where none runs.
func (i *instance) start() error {
	if i.process != nil && !i.process.ended() {
		return nil
	}
	i.number++
	log, err := os.Create(filepath.Join(filepath.Dir(i.dir), fmt.Sprintf("%s-%03d.log", i.name, i.number)))
	if err != nil {
		return err
	}
	p := &process{log: log, serving: make(chan struct{}), done: make(chan struct{})}
	p.cmd = exec.Command(i.binary, append([]string{"serve", "--data-dir", i.dir}, i.args...)...) //nolint:noctx // it is killed in many ways, but not by a context
	p.cmd.Env = i.env
	p.cmd.Stdout, p.cmd.Stderr = p, p
	// A Ctrl-C on the terminal is for us alone.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	i.process = p
	i.journal.started()
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.wanted {
			i.journal.fail("instance %s has ended by itself: %v; its last lines (%s):\n%s", i.name, p.err, log.Name(), lastLines(p.tail))
		}
		log.Close()
	}()
	return nil
}

func lastLines(text []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-4):], []byte("\n"))
}

// waitServing returns when the instance serves, has ended, or ctx ends. It
// is wrong where that takes too long.
func (i *instance) waitServing(ctx context.Context) bool {
	timeout := time.NewTimer(serveLimit)
	defer timeout.Stop()
	select {
	case <-i.process.serving:
		return true
	case <-i.process.done:
	case <-ctx.Done():
	case <-timeout.C:
		i.journal.fail("instance %s does not serve %s after its start", i.name, serveLimit)
	}
	return false
}

// kill ends the process at once.
func (i *instance) kill() {
	i.process.want()
	_ = i.process.cmd.Process.Kill()
	<-i.process.done
}

// stop asks the process to end, and waits. It has to end in time and with the
// exit status 0.
func (i *instance) stop() {
	p := i.process
	if p.ended() {
		return
	}
	p.want()
	begun := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	late := time.NewTimer(stopLimit)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		i.journal.fail("instance %s has not stopped %s after SIGTERM: its log ends with what its goroutines wait for", i.name, stopLimit)
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		<-p.done
	}
	took := time.Since(begun)
	i.journal.stopped(took)
	i.journal.say("instance %s has stopped in %.1f s", i.name, took.Seconds())
	if p.err != nil {
		i.journal.fail("instance %s was stopped with SIGTERM and ended with %v; its last lines (%s):\n%s", i.name, p.err, p.log.Name(), lastLines(p.tail))
	}
}

func (i *instance) pause() { _ = i.process.cmd.Process.Signal(syscall.SIGSTOP) }
func (i *instance) goOn()  { _ = i.process.cmd.Process.Signal(syscall.SIGCONT) }
