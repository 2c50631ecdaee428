package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/processor"
	"clickstream/warehouse"
)

type statusCmd struct {
	Output string `enum:"text,json" default:"text" help:"text or json."`
	MaxLag int64  `default:"100000" placeholder:"N" help:"More records than this waiting for a role are unwell (${default})."`
	folderFlags
	engineFlags
}

func (statusCmd) Help() string {
	return `Exit status 0 says that every part answers, that no role lags by more than --max-lag, and that no job's
last run failed.

Examples:
  clickstream status
  clickstream status --output json --kafka-brokers redpanda:9092 --clickhouse-addr clickhouse:9000`
}

// health is what status prints.
type health struct {
	Healthy bool     `json:"healthy"`
	Unwell  []string `json:"unwell"` // what is not as it should be
	Broker  string   `json:"broker"`
	Records int64    `json:"log_records"` // on the log, ticks and copies included
	// Records that each role has not finished yet.
	MirrorLag    int64 `json:"mirror_lag"`
	ProcessorLag int64 `json:"processor_lag"`

	ClickHouse string `json:"clickhouse"`
	Events     uint64 `json:"events"`
	// Rows of event_log that are later copies and have not merged away.
	Copies     uint64     `json:"unmerged_copies"`
	Alerts     uint64     `json:"alerts"`
	Rejected   uint64     `json:"rejected"`
	NewestSeen *time.Time `json:"newest_received_at"`

	Jobs []jobs.Run `json:"jobs"` // the last run of each
}

func (c *statusCmd) Run(ctx context.Context, t *terminal) error {
	log := t.logger(c.LogLevel)
	eng, err := openEngines(ctx, t, &c.engineFlags, c.DataDir, instance.JoinOnly, log)
	if err != nil {
		return err
	}
	// A monitoring command that hangs is no answer.
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	h := health{Unwell: []string{}, Jobs: []jobs.Run{}, Broker: eng.Kafka.String(), ClickHouse: eng.ClickHouse.String()}
	h.check("broker", h.askBroker(ctx, eng))
	h.check("ClickHouse", h.askClickHouse(ctx, eng))
	if lag := max(h.MirrorLag, h.ProcessorLag); lag > c.MaxLag {
		h.check("lag", fmt.Errorf("%s records are waiting: is every role running?", count(lag)))
	}
	for _, run := range h.Jobs {
		if run.State == jobs.Failed {
			h.check("job "+run.Job, errors.New(run.Error))
		}
	}
	h.Healthy = len(h.Unwell) == 0
	if c.Output == "json" {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(h); err != nil {
			return err
		}
	} else {
		h.print(t)
	}
	if !h.Healthy {
		return silentError{}
	}
	return nil
}

func (h *health) check(part string, err error) {
	if err != nil {
		h.Unwell = append(h.Unwell, fmt.Sprintf("%s: %v", part, err))
	}
}

func (h *health) askBroker(ctx context.Context, eng *instance.Engines) error {
	cl, err := broker.Open(eng.Kafka)
	if err != nil {
		return err
	}
	defer cl.Close()
	topics := cl.Topics()
	starts, err := cl.StartOffsets(ctx, topics.Events)
	if err != nil {
		return err
	}
	ends, err := cl.EndOffsets(ctx, topics.Events)
	if err != nil {
		return err
	}
	for p, end := range ends {
		h.Records += end - starts[p]
	}
	stored := broker.Offsets{}
	commits, err := cl.CommittedOffsets(ctx, cl.Group("mirror"), topics.Events)
	if err != nil {
		return err
	}
	for p, commit := range commits {
		stored[p] = commit.Offset
	}
	told, err := processor.Acknowledged(ctx, cl, nil)
	if err != nil {
		return err
	}
	for p, end := range ends {
		h.MirrorLag += end - max(stored[p], starts[p])
		h.ProcessorLag += end - max(told[p], starts[p])
	}
	return nil
}

func (h *health) askClickHouse(ctx context.Context, eng *instance.Engines) error {
	w, err := warehouse.Open(ctx, eng.ClickHouse, eng.Kafka.Log)
	if err != nil {
		return err
	}
	defer w.Close()
	var stored uint64
	var newest time.Time
	if err := w.Conn().QueryRow(ctx, query("status")).Scan(&h.Events, &stored, &newest, &h.Alerts, &h.Rejected); err != nil {
		return fmt.Errorf("count the rows: %w", err)
	}
	if h.Copies = stored - h.Events; h.Events > 0 {
		h.NewestSeen = &newest
	}
	runner := &jobs.Runner{Warehouse: w}
	for _, j := range jobs.Jobs() {
		runs, err := runner.Runs(ctx, jobs.RunFilter{Job: j.Name, Limit: 1})
		if err != nil {
			return err
		}
		h.Jobs = append(h.Jobs, runs...)
	}
	return nil
}

func (h *health) print(t *terminal) {
	newest := "none"
	if h.NewestSeen != nil {
		newest = fmt.Sprintf("newest received %s ago", time.Since(*h.NewestSeen).Round(100*time.Millisecond))
	}
	table(t.out, []string{"PART", "STATE"}, [][]string{
		{"broker", h.Broker},
		{"log", count(h.Records) + " records"},
		{"mirror", count(h.MirrorLag) + " records behind"},
		{"processor", count(h.ProcessorLag) + " records behind"},
		{"ClickHouse", h.ClickHouse},
		{"events", fmt.Sprintf("%s, %s; %s copies not merged yet", count(h.Events), newest, count(h.Copies))},
		{"alerts", count(h.Alerts)},
		{"rejected", count(h.Rejected)},
	})
	for _, run := range h.Jobs {
		fmt.Fprintf(t.out, "job %s for %s: %s, %s rows, started %s\n", run.Job, run.Day, run.State, count(run.Rows), run.Started.UTC().Format(time.DateTime))
	}
	for _, what := range h.Unwell {
		fmt.Fprintln(t.out, "UNWELL", what)
	}
	if h.Healthy {
		fmt.Fprintln(t.out, "all is well")
	}
}
