package testwait_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clickstream/internal/testwait"
)

// failing is a test whose failure is looked at.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	panic(f)
}

func (f *failing) Errorf(format string, args ...any) { f.text = fmt.Sprintf(format, args...) }

func TestUntilReturnsWhenTheConditionHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(30 * time.Second)
		testwait.Until(t, "half a minute is over", func() bool { return !time.Now().Before(end) })
		if late := time.Since(end); late > time.Second {
			t.Errorf("it returned %s late", late)
		}
	})
}

func TestUntilFailsAndSaysWhatItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{TB: t}
		func() {
			defer func() { _ = recover() }()
			testwait.Until(f, "pigs fly", func() bool { return false })
		}()
		if want := "waited 2m0s in vain until pigs fly"; !strings.Contains(f.text, want) {
			t.Errorf("got %q, want %q", f.text, want)
		}
	})
}

func TestRunStopsAtTheTestsEnd(t *testing.T) {
	ended := false
	t.Run("a test", func(t *testing.T) {
		testwait.Run(t, func(ctx context.Context) error {
			<-ctx.Done()
			ended = true
			return nil
		})
	})
	if !ended {
		t.Error("it runs after its test")
	}
}

func TestAnErrorOfRunFailsTheTestThatDoesNotWaitForIt(t *testing.T) {
	failed := errors.New("no such topic")
	run := func(context.Context) error { return failed }
	if err := testwait.Run(t, run).Wait(); !errors.Is(err, failed) {
		t.Errorf("Wait returns %v, want the error of run", err)
	}
	f := &failing{TB: t}
	testwait.Run(f, run).Stop()
	if want := "Run: no such topic"; f.text != want {
		t.Errorf("the test is failed with %q, want %q", f.text, want)
	}
}
