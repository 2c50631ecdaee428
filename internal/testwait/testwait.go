// Package testwait lets tests wait for a condition instead of sleeping, and
// bounds how long they wait.
package testwait

import (
	"context"
	"testing"
	"time"
)

const (
	// patience is how long a test waits for what must come: ample on a machine
	// whose cores are shared, and reached only by a test that fails.
	patience = 2 * time.Minute
	pause    = 5 * time.Millisecond // between two looks
)

// Until returns when holds does, and fails the test when it still does not
// after two minutes. What names what is waited for, as in "the rows are stored".
// It is called from the test's own goroutine.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
		<-time.After(pause)
	}
}

// Context ends with the test, and after a minute at the latest, so that a call
// that never returns fails with its own error.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
