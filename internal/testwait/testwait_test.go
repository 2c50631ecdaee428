package testwait_test

import (
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
