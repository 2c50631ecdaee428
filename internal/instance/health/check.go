package health

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/instance"
	"clickstream/jobs"
	"clickstream/processor"
	"clickstream/processor/notifier"
	"clickstream/warehouse"
)

// Config says what to look at. The zero value of each field but Engines stands
// for its default.
type Config struct {
	Engines  *instance.Engines
	Roles    []string      // that should run somewhere; default: all, the notifier only if the folder's instance runs it
	MaxLag   int64         // records; default 100,000
	LagWait  time.Duration // how long a lag may not shrink; default 5s
	JobGrace time.Duration // how late a job may start; default 5m
	// QueryTimeout bounds all queries together; LagWait comes on top. Default 8s.
	QueryTimeout time.Duration
	Location     *time.Location // of the shop; default UTC
	AcceptGaps   string         // who accepts all gaps that are found; default: nobody
}

// Defaults of a Config's empty fields.
const (
	defaultMaxLag       = 100_000
	defaultLagWait      = 5 * time.Second
	defaultJobGrace     = 5 * time.Minute
	defaultQueryTimeout = 8 * time.Second
)

// lagEvery is the time between two looks at a lag.
const lagEvery = 250 * time.Millisecond

func (c Config) withDefaults() Config {
	if len(c.Roles) == 0 {
		c.Roles = instance.DefaultRoles()
	}
	if c.MaxLag == 0 {
		c.MaxLag = defaultMaxLag
	}
	if c.LagWait == 0 {
		c.LagWait = defaultLagWait
	}
	if c.QueryTimeout == 0 {
		c.QueryTimeout = defaultQueryTimeout
	}
	if c.JobGrace == 0 {
		c.JobGrace = defaultJobGrace
	}
	return c
}

// Check checks everything. It returns no error: what it could not find out is in
// the Report.
func Check(ctx context.Context, cfg Config) Report {
	e, named := cfg.Engines, len(cfg.Roles) > 0
	cfg = cfg.withDefaults()
	if d := e.Joined(); !named && d != nil && slices.ContainsFunc(d.Roles, func(r instance.RoleState) bool { return r.Name == "notifier" }) {
		cfg.Roles = append(cfg.Roles, "notifier")
	}
	r := Report{
		Roles: []Role{}, Jobs: []jobs.DueRun{}, Gaps: []warehouse.Gap{},
		Broker:     Engine{State: Unreachable, Address: e.Kafka.String()},
		ClickHouse: Engine{State: NotNeeded},
	}
	for _, name := range cfg.Roles {
		r.Roles = append(r.Roles, roleIn(e.Joined(), name))
	}
	if d := e.Joined(); d != nil {
		r.describe(d)
	}
	c := &check{cfg: cfg, report: &r, deadline: time.Now().Add(cfg.QueryTimeout), opened: make(chan struct{}), silent: make(map[string]error)}
	var asking sync.WaitGroup
	asking.Go(func() { c.askBroker(ctx) })
	asking.Go(func() {
		c.openTables(ctx)
		close(c.opened)
		c.askTables(ctx)
	})
	asking.Wait()
	c.close()
	r.judge(cfg, time.Now())
	return r
}

// describe takes over what the folder's instance says of itself.
func (r *Report) describe(d *instance.Description) {
	r.Instance = &Instance{PID: d.PID, URLs: d.URLs}
	r.Unremembered, r.Waiting = d.Unremembered, d.Waiting
}

// roleIn is a role as the folder's instance describes it.
func roleIn(d *instance.Description, name string) Role {
	role := Role{Name: name, State: unknown}
	if d == nil {
		return role
	}
	for _, s := range d.Roles {
		if s.Name == name {
			role.State, role.Error, role.Restarts = string(s.State), s.Error, s.Restarts
		}
	}
	return role
}

// check is one Check. askBroker and askTables fill in fields of their own.
type check struct {
	cfg      Config
	report   *Report
	deadline time.Time            // for all queries
	opened   chan struct{}        // closed when tables is known
	tables   *warehouse.Warehouse // nil where it is unreachable or not needed

	mu     sync.Mutex
	silent map[string]error // topics of which partitions do not answer
}

func (c *check) openTables(ctx context.Context) {
	e, r := c.cfg.Engines, c.report
	if len(e.ClickHouse.Addr) == 0 {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, c.deadline)
	defer cancel()
	r.ClickHouse = Engine{State: Unreachable, Address: e.ClickHouse.String()}
	w, err := warehouse.Open(ctx, e.ClickHouse, e.Kafka.Log)
	if err != nil {
		r.ClickHouse.Error = err.Error()
		return
	}
	r.ClickHouse.State, c.tables = Reachable, w
}

func (c *check) close() {
	if c.tables != nil {
		_ = c.tables.Close()
	}
}

//go:embed sql/rows.sql
var rowsSQL string

// askTables counts the rows and looks for the due runs.
func (c *check) askTables(ctx context.Context) {
	if c.tables == nil {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, c.deadline)
	defer cancel()
	r := c.report
	var events, rows, alerts, rejected uint64
	var newest time.Time
	if err := c.tables.Conn().QueryRow(ctx, rowsSQL).Scan(&events, &rows, &newest, &alerts, &rejected); err != nil {
		r.ClickHouse.Error = fmt.Sprintf("count the rows: %v", err)
		return
	}
	duplicates := rows - events
	r.Events, r.Duplicates, r.Alerts, r.Rejected = &events, &duplicates, &alerts, &rejected
	if rows > 0 {
		r.Newest = &newest
	}
	if err := c.askGaps(ctx); err != nil {
		r.ClickHouse.Error = err.Error()
		return
	}
	if !slices.Contains(c.cfg.Roles, "jobs") {
		return
	}
	var due []jobs.DueRun
	runner, err := jobs.New(jobs.Config{Warehouse: c.tables, Location: c.cfg.Location})
	if err == nil {
		due, err = runner.LastDue(ctx)
	}
	if err != nil {
		r.ClickHouse.Error = err.Error()
		return
	}
	r.Jobs = due
}

// askBroker counts the log's records and looks at the roles that are members of
// a consumer group.
func (c *check) askBroker(ctx context.Context) {
	err := c.askLog(ctx)
	if err == nil || broker.Classify(err) != broker.Retriable {
		c.report.Broker.State = Reachable
	}
	errs := []error{err}
	for _, topic := range slices.Sorted(maps.Keys(c.silent)) {
		errs = append(errs, c.silent[topic])
	}
	if err := errors.Join(errs...); err != nil {
		c.report.Broker.Error = err.Error()
	}
}

func (c *check) askLog(ctx context.Context) error {
	cl, err := broker.Open(c.cfg.Engines.Kafka)
	if err != nil {
		return err
	}
	defer cl.Close()
	asking, cancel := context.WithDeadline(ctx, c.deadline)
	defer cancel()
	topics := cl.Topics()
	starts, ends, err := c.bounds(asking, cl, topics.Events)
	if err != nil {
		return err
	}
	var records int64
	for p, end := range ends {
		records += max(0, end-starts[p])
	}
	c.report.Records = &records
	if err := c.askIdentity(asking, cl); err != nil {
		return err
	}
	var looking sync.WaitGroup
	for i := range c.report.Roles {
		role := &c.report.Roles[i]
		if look := c.lagOf(cl, role.Name); look != nil {
			looking.Go(func() { role.lagError = c.lookAt(ctx, cl, role, look) })
		}
	}
	looking.Wait()
	return nil
}

// lookAt finds the live members of a role's consumer group, and its lag.
func (c *check) lookAt(ctx context.Context, cl *broker.Client, role *Role, look progress) error {
	asking, cancel := cancelAfter(ctx, time.Until(c.deadline))
	defer cancel()
	group, err := c.group(asking, cl, role.Name)
	if err != nil || group == "" {
		return err
	}
	members, err := cl.Members(asking, group)
	if err != nil {
		return err
	}
	n := members[group]
	role.Members = &n
	if role.State == unknown {
		role.State = notRunning
		if n > 0 {
			role.State = string(instance.Running)
		}
	}
	return c.watchLag(ctx, cl, role, look)
}

// group is a role's consumer group. The mirror's is that of the tables, and ""
// where they cannot be reached.
func (c *check) group(ctx context.Context, cl *broker.Client, role string) (string, error) {
	if role != "mirror" {
		return cl.Group(role), nil
	}
	<-c.opened
	if c.tables == nil {
		return "", nil
	}
	tables, err := c.tables.TableSet(ctx)
	return tables.Group(cl), err
}

// progress is how far a role has come: for each of its topics, the offset
// before which everything is done.
type progress func(ctx context.Context) (map[string]broker.Offsets, error)

// lagOf returns how to look at a role's progress, or nil for a role without a
// consumer group.
func (c *check) lagOf(cl *broker.Client, role string) progress {
	topics := cl.Topics()
	switch role {
	case "mirror":
		return func(ctx context.Context) (map[string]broker.Offsets, error) {
			done := map[string]broker.Offsets{}
			for _, topic := range []string{topics.Events, topics.Alerts, topics.Rejected} {
				stored, err := c.tables.Stored(ctx, cl, topic)
				if err != nil {
					return nil, err
				}
				done[topic] = stored
			}
			return done, nil
		}
	case "processor":
		return func(ctx context.Context) (map[string]broker.Offsets, error) {
			acknowledged, err := processor.Acknowledged(ctx, cl)
			return map[string]broker.Offsets{topics.Events: acknowledged}, err
		}
	case "notifier":
		return func(ctx context.Context) (map[string]broker.Offsets, error) {
			decided, err := notifier.Decided(ctx, cl)
			return map[string]broker.Offsets{topics.Alerts: decided}, err
		}
	case "normaliser":
		return func(ctx context.Context) (map[string]broker.Offsets, error) {
			commits, err := cl.CommittedOffsets(ctx, cl.Group("normaliser"), topics.Inbound)
			done := broker.Offsets{}
			for p, commit := range commits {
				done[p] = commit.Offset
			}
			return map[string]broker.Offsets{topics.Inbound: done}, err
		}
	}
	return nil
}

// watchLag finds a role's lag. If there is one and the role has a member, it
// waits for the lag to shrink: a lag that does is only that of records which
// have just come.
func (c *check) watchLag(ctx context.Context, cl *broker.Client, role *Role, look progress) error {
	asking, cancel := cancelAfter(ctx, time.Until(c.deadline))
	defer cancel()
	done, err := look(asking)
	if err != nil || done == nil {
		return err
	}
	type span struct{ starts, ends broker.Offsets }
	spans := map[string]span{}
	for topic := range done {
		var s span
		if s.starts, s.ends, err = c.bounds(asking, cl, topic); err != nil {
			return err
		}
		spans[topic] = s
	}
	left := func(done map[string]broker.Offsets) (sum int64, byTopic map[string]int64) {
		byTopic = make(map[string]int64, len(spans))
		for topic, s := range spans {
			for p, end := range s.ends {
				n := max(0, end-max(done[topic][p], s.starts[p]))
				byTopic[topic] += n
				sum += n
			}
		}
		return sum, byTopic
	}
	lag, byTopic := left(done)
	role.Lag, role.Lags = &lag, byTopic
	if lag == 0 || *role.Members == 0 {
		return nil
	}
	waiting, cancel := cancelAfter(ctx, c.cfg.LagWait)
	defer cancel()
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-waiting.Done():
			role.stalled = true
			return nil
		}
		done, err := look(waiting)
		if waiting.Err() == nil && err != nil {
			return err
		}
		if err != nil || done == nil {
			continue
		}
		if now, _ := left(done); now < lag {
			return nil
		}
	}
}

// electedWithin is how long a partition may have no leader, as it has for a moment
// when a broker stops.
const electedWithin = time.Second

// bounds are those of the partitions that answer. The others are what is wrong
// with the broker.
func (c *check) bounds(ctx context.Context, cl *broker.Client, topic string) (starts, ends broker.Offsets, err error) {
	for began := time.Now(); ; {
		first, err := cl.AnsweredStarts(ctx, topic)
		if err != nil {
			return nil, nil, err
		}
		last, err := cl.AnsweredEnds(ctx, topic)
		if err != nil {
			return nil, nil, err
		}
		silent := cmp.Or(first.Err(), last.Err())
		if silent != nil && time.Since(began) < electedWithin {
			select {
			case <-ctx.Done():
			case <-time.After(lagEvery):
				continue
			}
		}
		if silent != nil {
			c.mu.Lock()
			c.silent[topic] = silent
			c.mu.Unlock()
		}
		return first.Offsets, last.Offsets, nil
	}
}

// cancelAfter returns a context that is cancelled after d. A deadline would not
// do: warehouse.Stored ends its query when its context is cancelled, not when a
// deadline passes.
func cancelAfter(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(d, cancel)
	return ctx, func() { timer.Stop(); cancel() }
}
