package health

import (
	"fmt"
	"strings"
	"time"

	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/warehouse"
)

// Report is what Check has found. Its JSON is a contract with monitoring.
type Report struct {
	Healthy bool     `json:"healthy"`
	Unwell  []string `json:"unwell"` // what is not as it should be

	Instance *Instance `json:"instance"` // the one that runs in the folder, or nil
	Broker   Engine    `json:"broker"`
	Records  *int64    `json:"log_records"` // on the log, ticks and duplicates included
	Log      *Log      `json:"log"`         // nil where the broker is unreachable
	Roles    []Role    `json:"roles"`

	ClickHouse Engine `json:"clickhouse"`
	TableSet   string `json:"table_set"` // which tables these are; empty where that is not known
	// OtherTableSets are others that this log is or was stored in; nil where that
	// is not known.
	OtherTableSets []TableSet `json:"other_table_sets"`

	Events *uint64 `json:"events"`
	// Rows of event_log that are duplicates and have not merged away.
	Duplicates *uint64    `json:"unmerged_duplicates"`
	Alerts     *uint64    `json:"alerts"`
	Rejected   *uint64    `json:"rejected"`
	Newest     *time.Time `json:"newest_received_at"`

	// Unremembered is what the processor of the folder's instance has not remembered
	// since it started; nil where no instance runs one in the folder.
	Unremembered *instance.Unremembered `json:"unremembered"`
	// Waiting is how many notices the notifier of the folder's instance has decided
	// on and not sent yet; nil where no instance runs one in the folder.
	Waiting *int `json:"notices_waiting"`

	// Gaps are those that were not accepted before.
	Gaps []warehouse.Gap `json:"gaps"`

	Jobs []jobs.DueRun `json:"jobs"` // each with the last day it was due for
}

// Instance is the process whose folder was looked into.
type Instance struct {
	PID  int               `json:"pid"`
	URLs map[string]string `json:"urls"` // what can be opened, by name; "collector" is where to send events
}

// Engine is the broker or ClickHouse.
type Engine struct {
	State   EngineState `json:"state"`
	Address string      `json:"address"`
	Error   string      `json:"error,omitempty"`
}

// EngineState says what is known of an engine.
type EngineState string

// States of an engine.
const (
	Reachable   EngineState = "reachable"
	Unreachable EngineState = "unreachable"
	NotNeeded   EngineState = "not needed" // by the roles that were asked for
)

// Role is one role, in all its instances.
type Role struct {
	Name string `json:"name"`
	// State is that in the folder's instance, else "running" or "not running"
	// by the group's members, or "unknown".
	State    string `json:"state"`
	Error    string `json:"error,omitempty"` // of its last start in the folder's instance
	Restarts int    `json:"restarts"`
	Members  *int   `json:"members"` // of its consumer group; nil where it has none or the broker is unreachable
	Lag      *int64 `json:"lag"`     // records that it has not finished; nil as Members, or where ClickHouse is needed and unreachable
	// Lags is the lag by topic; nil as Lag.
	Lags map[string]int64 `json:"lag_by_topic"`

	lagError error // why the lag is not known though the broker is reachable
	stalled  bool  // the lag did not shrink
}

const unknown, notRunning = "unknown", "not running"

// aheadBy is how far clocks may differ.
const aheadBy = time.Minute

// judge finds what is unwell.
func (r *Report) judge(cfg Config, now time.Time) {
	r.Unwell = []string{}
	unwell := func(part, format string, args ...any) {
		r.Unwell = append(r.Unwell, part+": "+fmt.Sprintf(format, args...))
	}
	if r.Broker.Error != "" {
		unwell("broker", "%s", r.Broker.Error)
	}
	if r.ClickHouse.Error != "" {
		unwell("ClickHouse", "%s", r.ClickHouse.Error)
	}
	if r.Log != nil && r.Log.Error != "" {
		unwell("log", "%s", r.Log.Error)
	}
	for _, role := range r.Roles {
		role.judge(cfg, func(format string, args ...any) { unwell(role.Name, format, args...) })
	}
	// No watermark is above the time at which its newest event was received.
	if r.Newest != nil && r.Newest.Sub(now) > aheadBy {
		unwell("clock", "the newest event was received %s ahead of now: the clock that stamped it or this machine's is wrong; "+
			"its partition's watermark is too high as well, so events that come until then may be late", duration(r.Newest.Sub(now)))
	}
	judgeGaps(r.Gaps, func(format string, args ...any) { unwell("gap", format, args...) })
	for _, due := range r.Jobs {
		switch {
		case due.State == jobs.Missing && now.Sub(due.Due) > cfg.JobGrace:
			unwell("job "+due.Job, "it was due for %s at %s and has not run: look whether an instance runs the role jobs", due.Day, due.Due.UTC().Format(time.RFC3339))
		case due.State != jobs.Succeeded && due.State != jobs.Running && due.State != jobs.Missing:
			unwell("job "+due.Job, "its run for %s has %s: %s", due.Day, due.State, due.Run.Error)
		}
	}
	r.Healthy = len(r.Unwell) == 0
}

func (r Role) judge(cfg Config, unwell func(format string, args ...any)) {
	switch r.State {
	case string(instance.Waiting), string(instance.Failed), string(instance.Stopped):
		unwell("%s: %s", r.State, orNone(r.Error))
	case string(instance.Starting):
		if r.Error != "" {
			unwell("%s again after: %s", r.State, r.Error)
		}
	}
	if r.Members != nil && *r.Members == 0 {
		unwell("no instance runs it: start one with clickstream serve")
	}
	switch {
	case r.lagError != nil:
		unwell("its lag is not known: %v", r.lagError)
	case r.Lag == nil:
	case *r.Lag > cfg.MaxLag:
		unwell("its lag is %d records, more than %d", *r.Lag, cfg.MaxLag)
	case r.stalled:
		unwell("its lag of %d records has not shrunk for %s", *r.Lag, cfg.LagWait)
	}
}

func orNone(text string) string {
	if text == "" {
		return "no error is known"
	}
	return text
}

// duration writes a time for people: days and hours, or less.
func duration(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Minute:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(100 * time.Millisecond).String()
}

// NewestText says when the newest event was received.
func (r *Report) NewestText(now time.Time) string {
	switch {
	case r.Newest == nil:
		return "none received"
	case r.Newest.After(now):
		return "newest received " + duration(r.Newest.Sub(now)) + " ahead of now"
	}
	return "newest received " + duration(now.Sub(*r.Newest)) + " ago"
}
