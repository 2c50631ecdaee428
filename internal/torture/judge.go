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

// quietLimit is how long it may take until the tables hold everything, once all
// works again.
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
	if err := s.compare(ctx, r); err != nil {
		return err
	}
	physical, err := tables{ctx, s.clickhouse}.physicalDuplicates()
	if err != nil {
		return fmt.Errorf("count physical duplicates: %w", err)
	}
	s.command(ctx, "verify", "--wait", "2m")
	s.command(ctx, "status", "--roles", "mirror,processor")
	for _, i := range s.instances {
		i.stop()
	}
	l := r.log
	fmt.Printf("%d records on the log: %d events of %d days, %d duplicates (%d with other fields), %d late, %d invalid; %d ticks\n",
		l.Records, l.Identities(), l.Days(), l.Duplicates, l.Conflicts, l.Late, l.Invalid(), l.Ticks)
	fmt.Printf("%d windows have qualified, %d versions of alerts; %d physical duplicates in event_log\n", len(l.Finals()), l.AlertVersions(), physical)
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

// compare reads the topics and the tables until they agree and nothing is to
// come any more: every window that has qualified is closed.
func (s *shop) compare(ctx context.Context, r *reader) error {
	begun := time.Now()
	for {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
		open := r.log.Unclosed()
		var wrong []string
		if open == 0 {
			var err error
			if wrong, err = r.log.Compare(tables{ctx, s.clickhouse}); err != nil {
				wrong = []string{err.Error()} // ClickHouse may have ended by itself, and is started again
			}
			if len(wrong) == 0 {
				s.journal.say("the tables hold what the log gives, %.1f s after everything was healed", time.Since(begun).Seconds())
				return nil
			}
		}
		if time.Since(begun) > quietLimit {
			for _, text := range wrong {
				s.journal.fail("%s", text)
			}
			if open > 0 {
				s.journal.fail("%d windows that have qualified are still open", open)
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
