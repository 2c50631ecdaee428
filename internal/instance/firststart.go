package instance

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// firstStart is the time until a role runs for the first time. The goroutine of
// the role uses it.
type firstStart struct {
	// ctx is the role's. It ends with the Supervisor's, and when the role has not
	// run within the limit.
	ctx     context.Context
	release context.CancelFunc
	begun   time.Time
	within  time.Duration // 0: without limit
	limit   *time.Timer   // nil without a limit
	over    atomic.Bool   // the role has run, or will not
	last    error         // of the last attempt
}

func (s *Supervisor) newStart() *firstStart {
	f := &firstStart{begun: time.Now(), within: s.startWithin}
	f.ctx, f.release = context.WithCancel(s.ctx)
	if f.within > 0 {
		f.limit = time.AfterFunc(f.within, func() {
			if f.over.CompareAndSwap(false, true) {
				f.release()
			}
		})
	}
	return f
}

// ran ends the limit: the role runs.
func (f *firstStart) ran() {
	f.over.Store(true)
	if f.limit != nil {
		f.limit.Stop()
	}
}

// tooLong is the error of a role that has not run within the limit. err is that
// of the attempt which the limit broke off.
func (f *firstStart) tooLong(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		err = f.last
	}
	if err == nil {
		err = errors.New("no answer has come")
	}
	return permanent{fmt.Errorf("it could not start within %s: make reachable what it waits for, or give a longer --start-timeout: %w", f.within, err)}
}

// log says of a role that has ended with err what happens next.
func (f *firstStart) log(e *zerolog.Event, err error) {
	f.last = err
	if f.over.Load() {
		e.Msg("a role has ended: starting it again")
		return
	}
	e = e.Stringer("waited", time.Since(f.begun).Round(time.Second))
	if f.within > 0 {
		e = e.Stringer("at_most", f.within)
	}
	e.Msg("a role cannot start yet: trying again")
}
