package instance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
)

var (
	errPasses = fmt.Errorf("write: %w", kerr.NotEnoughReplicas)
	errStays  = errors.New("the disk is on fire")
)

// works runs until ctx ends.
func works(ctx context.Context, running func()) error {
	running()
	<-ctx.Done()
	return nil
}

func states(s *Supervisor) string {
	var all []string
	for _, r := range s.States() {
		text := fmt.Sprintf("%s %s", r.Name, r.State)
		if r.Restarts > 0 {
			text += fmt.Sprintf(" restarts=%d", r.Restarts)
		}
		if r.Error != "" {
			text += " (" + r.Error + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestARoleThatCanBeRetriedIsRestartedWithBackOffAndStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(t.Context(), zerolog.Nop(), nil)
		begun := time.Now()
		var starts []time.Duration
		s.Go("fails", func(context.Context, func()) error {
			starts = append(starts, time.Since(begun))
			return errPasses
		})
		s.Go("works", works)
		time.Sleep(130 * time.Second)
		synctest.Wait()
		var want []time.Duration
		for _, seconds := range []int{0, 1, 3, 7, 15, 31, 63, 123} {
			want = append(want, time.Duration(seconds)*time.Second)
		}
		if !slices.Equal(starts, want) {
			t.Errorf("started after %v, want %v", starts, want)
		}
		if got, want := states(s), "fails waiting to restart restarts=7 ("+errPasses.Error()+"), works running"; got != want {
			t.Errorf("states %q, want %q", got, want)
		}
		if err := s.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if got := states(s); !strings.HasSuffix(got, "works stopped") || !strings.Contains(got, "fails stopped") {
			t.Errorf("after the stop: %s", got)
		}
	})
}

func TestARoleThatHasRunForAMinuteBeginsItsBackOffAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(t.Context(), zerolog.Nop(), nil)
		begun := time.Now()
		var starts []time.Duration
		s.Go("fails", func(_ context.Context, running func()) error {
			starts = append(starts, time.Since(begun))
			if len(starts) == 4 {
				running()
				time.Sleep(time.Minute)
			}
			return errPasses
		})
		time.Sleep(69 * time.Second) // 0, 1, 3, 7 and, after a minute of running, 68
		synctest.Wait()
		if len(starts) != 5 || starts[4] != 68*time.Second {
			t.Errorf("started after %v", starts)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestARoleThatFailsForGoodLetsTheOthersFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(t.Context(), zerolog.Nop(), nil)
		finished := false
		s.Go("works", func(ctx context.Context, running func()) error {
			running()
			<-ctx.Done()
			time.Sleep(3 * time.Second) // what it holds is stored
			finished = true
			return nil
		})
		s.Go("fails", func(_ context.Context, running func()) error {
			running()
			time.Sleep(time.Second)
			return errStays
		})
		<-s.Context().Done()
		err := s.Stop()
		if !finished {
			t.Error("the other role was not waited for")
		}
		if !errors.Is(err, errStays) || !strings.HasPrefix(err.Error(), "fails: ") {
			t.Errorf("the supervisor returned %v", err)
		}
		if got, want := states(s), "works stopped, fails failed ("+errStays.Error()+")"; got != want {
			t.Errorf("states %q, want %q", got, want)
		}
	})
}

func TestAStopEndsARoleThatWaitsToRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes := 0
		s := newSupervisor(t.Context(), zerolog.Nop(), func() { changes++ })
		s.Go("fails", func(context.Context, func()) error { return errPasses })
		s.WaitStarted(t.Context())
		begun := time.Now()
		if err := s.Stop(); err != nil || time.Since(begun) != 0 {
			t.Errorf("stopped after %s with %v", time.Since(begun), err)
		}
		if changes != 2 {
			t.Errorf("%d changes were reported, want waiting and stopped", changes)
		}
	})
}

// A handshake that is under way when the stop comes ends with a timeout of its
// own, which ended the process with the exit status 1.
func TestAStopOfARoleThatHasNotRunYetIsClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			ran  bool
			err  error
			want bool
		}{
			{false, errPasses, false},
			{false, errStays, true},
			{true, errPasses, true}, // it may have held something
		} {
			s := newSupervisor(t.Context(), zerolog.Nop(), nil)
			s.Go("starts", func(ctx context.Context, running func()) error {
				if c.ran {
					running()
				}
				<-ctx.Done()
				return c.err
			})
			synctest.Wait()
			if err := s.Stop(); (err != nil) != c.want {
				t.Errorf("it has run: %t, it ends with %v: the stop returns %v", c.ran, c.err, err)
			}
		}
	})
}

func TestARoleThatEndsByItselfIsNotStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSupervisor(t.Context(), zerolog.Nop(), nil)
		starts := 0
		s.Go("ends", func(_ context.Context, running func()) error { starts++; running(); return nil })
		time.Sleep(time.Hour)
		if got := states(s); starts != 1 || got != "ends stopped" || s.Context().Err() != nil {
			t.Errorf("%d starts, %s", starts, got)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatWaitingDoesNotHelpAgainstIsKnown(t *testing.T) {
	for _, c := range []struct {
		err  error
		pass bool
	}{
		{kerr.NotEnoughReplicas, true},
		{context.DeadlineExceeded, true},
		{kerr.SaslAuthenticationFailed, false},
		{errStays, false},
		{permanent{context.DeadlineExceeded}, false},
	} {
		if got := mayPass(fmt.Errorf("open: %w", c.err)); got != c.pass {
			t.Errorf("%v may pass: %t, want %t", c.err, got, c.pass)
		}
	}
}
