package testwait

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// Running is a Run that a test has started. It ends before the test does.
type Running struct {
	t       testing.TB
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // of run; read after done is closed
	awaited atomic.Bool
}

// Run calls run in a goroutine of its own. At the test's end it is stopped,
// unless the test has done so or has waited for its end.
func Run(t testing.TB, run func(context.Context) error) *Running {
	t.Helper()
	// Not the test's context, which ends before what the test cleans up.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &Running{t: t, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		if !r.awaited.Load() {
			r.Stop()
		}
		<-r.done
	})
	return r
}

// Stop ends run's context and waits. The test fails where run returns an error.
// It may be called again.
func (r *Running) Stop() {
	r.t.Helper()
	r.cancel()
	if err := r.Wait(); err != nil {
		r.t.Errorf("Run: %v", err)
	}
}

// soon is how long a stop may take that waits for nobody. What it must not wait
// for, such as a join that another member holds up, lasts a minute.
const soon = 30 * time.Second

// StopSoon is Stop, and the test fails where that takes half a minute.
func (r *Running) StopSoon() {
	r.t.Helper()
	began := time.Now()
	r.Stop()
	if took := time.Since(began); took > soon {
		r.t.Errorf("it stops after %s", took)
	}
}

// Wait returns what run returns, whose context it leaves alone. The test fails
// where that takes two minutes.
func (r *Running) Wait() error {
	r.t.Helper()
	r.awaited.Store(true)
	select {
	case <-r.done:
		return r.err
	case <-time.After(patience):
		r.t.Fatalf("waited %s in vain until Run ends", patience)
		return nil
	}
}
