package verify

import (
	"testing"
	"time"
)

// SetAbandoned sets for a test how long tables stay unchanged until they count as
// abandoned.
func SetAbandoned(t *testing.T, d time.Duration) {
	t.Helper()
	before := abandoned
	abandoned = d
	t.Cleanup(func() { abandoned = before })
}
