package instance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// State is what a role does at the moment.
type State string

// States of a role.
const (
	Starting State = "starting" // it opens what it needs
	Running  State = "running"
	Waiting  State = "waiting to restart"
	Stopped  State = "stopped"
	Failed   State = "failed" // for good: waiting does not help
)

// RoleState is a role as it is now.
type RoleState struct {
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// Error is the last one, until the role runs again.
	Error    string `json:"error,omitempty"`
	Restarts int    `json:"restarts"`
}

// A Role works until ctx ends and returns nil then. It calls running once, when
// it has opened what it needs. It may be called again after it has returned an
// error.
type Role func(ctx context.Context, running func()) error

// Supervisor runs roles beside each other.
//
// A role that returns an error that may pass is started again: after a second
// first, then after twice as long each time, up to a minute; after a minute of
// running it starts with a second again. No other role notices. A role that has
// never run is given up when the limit of a start has passed. A role that
// fails for good ends the others' context, so they finish what they hold;
// Stop returns when all have ended. A role that returns nil is not started
// again.
type Supervisor struct {
	ctx     context.Context
	cancel  context.CancelFunc
	log     zerolog.Logger
	changed func()
	roles   sync.WaitGroup
	// startWithin is how long a role may take until it runs for the first time;
	// 0 is without limit. It is for the roles that Go starts from then on.
	startWithin time.Duration

	mu     sync.Mutex
	states []RoleState
	moved  chan struct{} // closed at the next change
	err    error         // the first of a role that failed for good, or while it stopped
}

// Back-off of restarts.
const (
	firstPause   = time.Second
	longestPause = time.Minute
	// After running for so long a role is started again after firstPause.
	wellAfter = time.Minute
)

// newSupervisor runs nothing yet. changed, which may be nil, is called after
// each change of a state, on the goroutine of the role that has changed, and by
// several at once. The end of ctx asks all roles to end.
func newSupervisor(ctx context.Context, log zerolog.Logger, changed func()) *Supervisor {
	s := &Supervisor{log: log, changed: changed, moved: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// Context ends when the roles are asked to end: by the caller's context, by
// Stop, or by a role that has failed for good.
func (s *Supervisor) Context() context.Context { return s.ctx }

// Go starts a role. It does not wait for it.
func (s *Supervisor) Go(name string, role Role) {
	s.mu.Lock()
	at := len(s.states)
	s.states = append(s.states, RoleState{Name: name, State: Starting, Since: time.Now()})
	s.mu.Unlock()
	start := s.newStart()
	s.roles.Go(func() {
		defer start.release()
		s.supervise(at, name, role, start)
	})
}

func (s *Supervisor) supervise(at int, name string, role Role, start *firstStart) {
	pause := firstPause
	for {
		var since time.Time
		err := role(start.ctx, func() {
			since = time.Now()
			start.ran()
			s.set(at, Running, nil)
		})
		switch {
		case s.ctx.Err() == nil && start.ctx.Err() != nil:
			s.giveUp(at, name, start.tooLong(err))
			return
		case err == nil, s.ctx.Err() != nil && (errors.Is(err, context.Canceled) || since.IsZero() && mayPass(err)):
			s.set(at, Stopped, nil)
			return
		case s.ctx.Err() != nil:
			s.fail(fmt.Errorf("%s: %w", name, err))
			s.set(at, Stopped, err)
			return
		case !mayPass(err):
			s.giveUp(at, name, err)
			return
		}
		if !since.IsZero() && time.Since(since) >= wellAfter {
			pause = firstPause
		}
		start.log(s.log.Warn().Err(err).Str("role", name).Stringer("after", pause), err)
		s.set(at, Waiting, err)
		select {
		case <-start.ctx.Done():
		case <-time.After(pause):
		}
		switch {
		case s.ctx.Err() != nil:
			s.set(at, Stopped, err)
			return
		case start.ctx.Err() != nil:
			s.giveUp(at, name, start.tooLong(err))
			return
		}
		pause = min(2*pause, longestPause)
		s.restart(at)
	}
}

// giveUp ends all roles with the error of one.
func (s *Supervisor) giveUp(at int, name string, err error) {
	s.log.Error().Err(err).Str("role", name).Msg("a role has failed: stopping the others")
	s.fail(fmt.Errorf("%s: %w", name, err))
	s.cancel() // whoever sees the state sees the end too
	s.set(at, Failed, err)
}

// set changes a state; without an error a role that does not run keeps the one
// that it has.
func (s *Supervisor) set(at int, state State, err error) {
	s.mu.Lock()
	r := &s.states[at]
	r.State, r.Since = state, time.Now()
	if err != nil {
		r.Error = err.Error()
	} else if state == Running || state == Stopped {
		r.Error = ""
	}
	s.report()
}

func (s *Supervisor) restart(at int) {
	s.mu.Lock()
	r := &s.states[at]
	r.State, r.Since = Starting, time.Now()
	r.Restarts++
	s.report()
}

// report wakes those who wait for a change of a state, and unlocks.
func (s *Supervisor) report() {
	close(s.moved)
	s.moved = make(chan struct{})
	s.mu.Unlock()
	if s.changed != nil {
		s.changed()
	}
}

func (s *Supervisor) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// States are the roles in the order in which they were started.
func (s *Supervisor) States() []RoleState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.states)
}

// WaitStarted returns when no role is in its first start any more: each one
// runs, waits to be started again, or has ended. It returns early when ctx or
// the Supervisor's context ends.
func (s *Supervisor) WaitStarted(ctx context.Context) {
	for {
		s.mu.Lock()
		starting := slices.ContainsFunc(s.states, func(r RoleState) bool { return r.State == Starting && r.Restarts == 0 })
		moved := s.moved
		s.mu.Unlock()
		if !starting {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// Stop asks the roles to end, waits for them, and returns the error of the
// first that failed for good or could not stop cleanly. It may be called more
// than once.
func (s *Supervisor) Stop() error {
	s.cancel()
	s.roles.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Explain returns the error of the role that has failed in place of err, if err
// is that of work which the failure has ended.
func (s *Supervisor) Explain(err error) error {
	if err == nil || s.ctx.Err() == nil {
		return err
	}
	if roleErr := s.Stop(); roleErr != nil {
		return roleErr
	}
	return err
}

// permanent is an error that does not pass, whatever it wraps.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// mayPass says whether a role that ended with err is worth starting again.
func mayPass(err error) bool {
	if _, is := errors.AsType[permanent](err); is {
		return false
	}
	if _, ok := warehouse.Retriable(err); ok {
		return true
	}
	// A broker that has just started may not know its topics yet, nor enough
	// other brokers for the replicas of a new one. Whether the topic is the same
	// one is checked when the role starts again.
	for _, young := range []error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InvalidReplicationFactor} {
		if errors.Is(err, young) {
			return true
		}
	}
	class := broker.Classify(err)
	return class == broker.Retriable || class == broker.Fenced
}
