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

// SetSaveAfter sets for a test after how many records a run keeps how far it has
// come.
func SetSaveAfter(t *testing.T, records int64) {
	t.Helper()
	before := saveAfter
	saveAfter = records
	t.Cleanup(func() { saveAfter = before })
}

// SetFollowedWhole sets for a test up to how many events the windows of all products
// are followed.
func SetFollowedWhole(t *testing.T, events int64) {
	t.Helper()
	before := followedWhole
	followedWhole = events
	t.Cleanup(func() { followedWhole = before })
}
