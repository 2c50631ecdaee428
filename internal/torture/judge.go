package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// quietLimit is how long it may take until the tables hold everything, and then
// until everything is notified, once all works again.
const quietLimit = 5 * time.Minute

// judge waits until the tables hold what the log gives, and says whether
// everything was right.
func (s *shop) judge(ctx context.Context, load *load) error {
	r, err := newReader(s.kafkaAddr)
	if err != nil {
		return err
	}
	defer r.close()
	if n := load.failures.Load(); n > 0 {
		s.journal.fail("%d records of the load were not acknowledged", n)
	}
	if err := s.compareTables(ctx, r); err != nil {
		return err
	}
	if err := s.compareNotices(ctx, r); err != nil {
		return err
	}
	physical, err := tables{ctx, s.clickhouse}.physicalDuplicates()
	if err != nil {
		return fmt.Errorf("count physical duplicates: %w", err)
	}
	s.command(ctx, "verify", "--wait", "2m")
	s.command(ctx, "status", "--roles", "mirror,processor,notifier")
	for _, i := range s.instances {
		i.stop()
	}
	if err := s.compareLast(ctx, r); err != nil {
		return err
	}
	l := r.log
	fmt.Printf("%d records on the log: %d events of %d days, %d duplicates (%d with other fields), %d late, %d invalid; %d ticks\n",
		l.Records, l.Identities(), l.Days(), l.Duplicates, l.Conflicts, l.Late, l.Invalid(), l.Ticks)
	fmt.Printf("%d windows have qualified, %d versions of alerts; %d physical duplicates in event_log\n", len(l.Finals()), l.AlertVersions(), physical)
	fmt.Printf("%d episodes, %d notices; %s\n", l.Episodes(), l.Notices(), s.receiver.summary())
	fmt.Println(s.journal.summary())
	if len(l.Finals()) == 0 || l.Invalid() == 0 || l.Duplicates == 0 {
		s.journal.fail("the load had no alerts, no invalid records or no duplicates: let it run for longer")
	}
	if wrong := s.journal.problems(); len(wrong) > 0 {
		return fmt.Errorf("%d things are wrong, the first: %s", len(wrong), wrong[0])
	}
	fmt.Println("all is right")
	return nil
}

// compareTables waits until the tables hold what the log gives and nothing is to
// come any more: every window that has qualified is closed.
func (s *shop) compareTables(ctx context.Context, r *reader) error {
	return s.settle(ctx, r, "the tables hold what the log gives", func() []string {
		if open := r.log.Unclosed(); open > 0 {
			return []string{fmt.Sprintf("%d windows that have qualified are still open", open)}
		}
		wrong, err := r.log.Compare(tables{ctx, s.clickhouse})
		if err != nil {
			return []string{err.Error()} // ClickHouse may have ended by itself, and is started again
		}
		return wrong
	})
}

// compareNotices lets the receiver answer everything, and waits until it has got
// what the alerts give.
func (s *shop) compareNotices(ctx context.Context, r *reader) error {
	s.receiver.heal()
	return s.settle(ctx, r, "the receiver has the notices that the alerts give", func() []string {
		return r.log.CompareNotices(s.receiver.requests())
	})
}

// compareLast compares the notices when nothing runs any more.
func (s *shop) compareLast(ctx context.Context, r *reader) error {
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	for _, text := range r.log.CompareNotices(s.receiver.requests()) {
		s.journal.fail("%s", text)
	}
	return nil
}

// settle reads the topics and compares until nothing is wrong, and then says
// what is right. What is still wrong after quietLimit is a failure.
func (s *shop) settle(ctx context.Context, r *reader, right string, compare func() []string) error {
	begun := time.Now()
	for {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
		wrong := compare()
		if len(wrong) == 0 {
			s.journal.say("%s, after %.1f s", right, time.Since(begun).Seconds())
			return nil
		}
		if time.Since(begun) > quietLimit {
			for _, text := range wrong {
				s.journal.fail("%s", text)
			}
			return ctx.Err()
		}
		wait(ctx, 2*time.Second)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// command runs the binary's own check. It is wrong where that fails.
func (s *shop) command(ctx context.Context, args ...string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	args = append(append(args, "--data-dir", filepath.Join(s.dir, "command")), s.engineFlags()...)
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	if err == nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		s.journal.say("clickstream %s: %s", args[0], lines[len(lines)-1])
		return
	}
	s.journal.say("clickstream %s:\n%s", args[0], out)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		s.journal.fail("clickstream %s ends with %s", args[0], exit)
	} else {
		s.journal.fail("clickstream %s: %v", args[0], err)
	}
}
