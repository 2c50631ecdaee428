package verify

import (
	"fmt"
	"strings"
	"time"

	"clickstream/internal/broker"
)

// Report is what was found.
type Report struct {
	// Begins and Ends are from where and up to where the log was read, by
	// partition.
	Begins     broker.Offsets `json:"begins"`
	Ends       broker.Offsets `json:"ends"`
	Events     uint64         `json:"events"`     // valid event records on the log
	Identities uint64         `json:"identities"` // distinct ones among them (E3)
	Duplicates uint64         `json:"duplicates"`
	// ByColumn are the event records that were decoded and compared by column;
	// each of the others is byte by byte what its row says.
	ByColumn uint64 `json:"by_column"`
	Invalid  uint64 `json:"invalid"`
	Ticks    uint64 `json:"ticks"`
	// RuleChanges are the records on the log that put a rule set in force.
	RuleChanges uint64 `json:"rule_changes"`
	Alerts      uint64 `json:"alerts"` // confirmed ones that agree
	// Retracted are the retracted alerts that agree, of windows that qualified for a time.
	Retracted uint64 `json:"retracted"`
	// Differences are what is wrong.
	Differences []Finding `json:"differences"`
	// Notes are what is right and yet surprises: conflicting copies, ids used
	// for several events, and the late and future events that alerts do not
	// count and a plain GROUP BY does.
	Notes   []Finding     `json:"notes"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Finding is one kind of difference or note, with at most 20 samples.
type Finding struct {
	Kind    string   `json:"kind"`
	Total   uint64   `json:"total"`
	Samples []string `json:"samples"`
	// Columns are those that differ in any of them.
	Columns []string `json:"columns,omitempty"`
}

// explained says what the kinds mean.
var explained = map[string]string{
	"event_missing":               "events on the log that are not in the table",
	"event_extra":                 "events in the table that are not on the log",
	"event_twice":                 "events with several rows in the view",
	"event_not_first_copy":        "events whose row is not the first copy on the log",
	"event_other_content":         "events whose row differs from the first copy on the log",
	"rejected_missing":            "records of the log that are no events and are not in rejected_events",
	"rejected_other_content":      "rejected records that are kept with other bytes",
	"rejected_valid":              "events on the log that are in rejected_events",
	"rejected_not_stored":         "records of the rejected topic that are not in rejected_events",
	"rejected_not_on_topic":       "rows of rejected_events that are not on the rejected topic",
	"rejected_twice":              "rejected records with several rows in rejected_events",
	"rejected_other_reason":       "rejected records that are kept with another reason, field, message or key",
	"alert_missing":               "alerts that follow from the log and are not confirmed",
	"alert_extra":                 "confirmed or retracted alerts that do not follow from the log",
	"alert_not_retracted":         "windows that qualified, and no longer when they closed, without an alert",
	"alert_other_episode":         "alerts of another episode than the log's",
	"alert_not_closed":            "alerts that are still firing though their window has closed",
	"alert_other_counts":          "confirmed or retracted alerts with other counts than the log's",
	"alert_not_stored":            "alerts whose highest version on the alerts topic is not what the table says",
	"alert_not_on_topic":          "alerts with a stored version that is not on the alerts topic",
	"alert_two_contents":          "alerts with a version that says two things on the alerts topic",
	"gap":                         "gaps of the log that nobody has accepted",
	"physical_duplicates":         "rows of event_log that the view events leaves out: copies that have not been merged yet",
	"events_not_compared":         "records whose JSON ClickHouse reads in another way than the rules say: they are not compared",
	"alerts_of_other_rules":       "confirmed alerts of rules that no set in force on the log has: they are not compared",
	"episodes_not_compared":       "partitions that are not read from their beginning: the episodes of their alerts are not compared",
	"rule_changes_not_valid":      "changes of rules that are not valid, as eight sets had open windows",
	"alerts_not_exact":            "alerts that say exact: false, whose counts are not compared",
	"records_not_counted":         "records at the end of the log that no processor has counted yet: neither they nor their alerts are compared",
	"conflicting_copies":          "events with later copies of other content (the first counts)",
	"ids_used_for_several_events": "ids that several events of one key have (another type or time)",
	"late":                        "events that came too late for all their windows",
	"future":                      "events too far ahead of their receive time to count for alerts",
}

// OK says whether log, tables and alerts agree.
func (r Report) OK() bool { return len(r.Differences) == 0 }

// String is the report for people.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The log holds %d event records of %d events (%d duplicates), %d that are no events, %d ticks. Read and compared in %s.\n",
		r.Events, r.Identities, r.Duplicates, r.Invalid, r.Ticks, r.Elapsed.Round(time.Millisecond))
	fmt.Fprintf(&b, "%d event records are byte by byte what their rows say; %d were decoded and compared by column.\n", r.Events-r.ByColumn, r.ByColumn)
	fmt.Fprintf(&b, "%d confirmed and %d retracted alerts follow from it and are there with the same counts.\n", r.Alerts, r.Retracted)
	write := func(title string, findings []Finding) {
		if len(findings) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, f := range findings {
			fmt.Fprintf(&b, "  %d %s", f.Total, explained[f.Kind])
			if len(f.Columns) > 0 {
				fmt.Fprintf(&b, " (in %s)", strings.Join(f.Columns, ", "))
			}
			b.WriteString("\n")
			for _, s := range f.Samples {
				fmt.Fprintf(&b, "    %s\n", s)
			}
			if n := uint64(len(f.Samples)); n > 0 && f.Total > n {
				fmt.Fprintf(&b, "    and %d more\n", f.Total-n)
			}
		}
	}
	write("Not as it should be:", r.Differences)
	write("Worth knowing:", r.Notes)
	if r.OK() {
		b.WriteString("\nLog, tables and alerts agree.\n")
	} else {
		b.WriteString("\nLog, tables and alerts do NOT agree.\n")
	}
	return b.String()
}
