package jobs

import (
	"time"

	"github.com/google/uuid"
)

// Trigger is why a run was begun.
type Trigger string

const (
	Schedule Trigger = "schedule"
	Manual   Trigger = "manual"
	Backfill Trigger = "backfill"
)

// State is how far a run is.
type State string

const (
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
)

// Run is one run of a job for one day, as job_runs shows it.
type Run struct {
	ID       uuid.UUID  `json:"run_id"`
	Job      string     `json:"job"`
	Day      Day        `json:"day"`
	Timezone string     `json:"timezone"`
	Attempt  uint32     `json:"attempt"` // 1, or one more than the failed run that it repeats
	State    State      `json:"state"`
	Trigger  Trigger    `json:"trigger"`
	Started  time.Time  `json:"started_at"`
	Finished *time.Time `json:"finished_at"` // nil while it is running
	Rows     uint64     `json:"rows"`        // of the report's table for that day
	Error    string     `json:"error"`
	// Offsets holds, for each partition of the log in order, the offset before
	// which the run has read everything and from which it has read nothing.
	Offsets []int64 `json:"offsets"`
}

// Took is how long the run took; 0 while it is running.
func (r Run) Took() time.Duration {
	if r.Finished == nil {
		return 0
	}
	return r.Finished.Sub(r.Started)
}
