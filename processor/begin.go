package processor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/processor/windows"
)

// begin returns the partition as its commit left it, or, without a commit that
// can be used, at the log's beginning, and why that commit cannot be used. The
// error, if any, is of a rule set that is not known.
func (s *session) begin(n int32, c broker.Commit, committed bool, start, end int64) (p *windows.Partition, unusable, err error) {
	if committed {
		p, unusable = windows.Resume(s.sets.lookup, c.Offset, c.Metadata)
		switch {
		case errors.Is(unusable, errUnknownSet):
			return nil, nil, fmt.Errorf("the commit of %s-%d by group %s: %w", s.topics.Events, n, s.p.cfg.Broker.Group("processor"), unusable)
		case unusable == nil && (p.Offset() < start || p.Acknowledged() > end):
			unusable = fmt.Errorf("offsets %d to %d are not on the log, which holds %d to %d", p.Offset(), p.Acknowledged(), start, end)
		}
		if unusable == nil {
			return p, nil, nil
		}
	}
	set, err := s.sets.inForce(n, start)
	if err != nil {
		return nil, nil, fmt.Errorf("%s-%d from offset %d on: %w", s.topics.Events, n, start, err)
	}
	return windows.New(set, start, start > 0), unusable, nil
}

// readSets reads the rule sets where those that are known are not enough to begin a
// partition. Where its commit is of sets that are known, as it is with the default
// set, nothing depends on the rules topic.
func (s *session) readSets(ctx context.Context, ours map[int32]kgo.Offset, commits map[int32]broker.Commit, extent broker.Extent) error {
	for n := range ours {
		c, ok := commits[n]
		start, end := extent.Bounds(n)
		_, unusable, err := s.begin(n, c, ok, start, end)
		if err != nil || unusable != nil || !ok && start > 0 {
			return s.sets.read(ctx, s.out)
		}
	}
	return nil
}

// refuseNewer is an error where a commit was made by a newer version of
// clickstream: to read on without understanding it would overwrite what that
// version needs.
func (s *session) refuseNewer(ours map[int32]kgo.Offset, commits map[int32]broker.Commit) error {
	for _, n := range slices.Sorted(maps.Keys(ours)) {
		c, ok := commits[n]
		if !ok {
			continue
		}
		if _, err := windows.Resume(s.sets.lookup, c.Offset, c.Metadata); errors.Is(err, windows.ErrNewerVersion) {
			return fmt.Errorf("the commit of %s-%d by group %s: %w; run the newer version everywhere, or wait until it has been deployed here",
				s.topics.Events, n, s.p.cfg.Broker.Group("processor"), err)
		}
	}
	return nil
}

// reportGaps reports what the log no longer holds of what the commits say is to
// be read, and returns when that is recorded. A partition without a commit is to
// be read from its first offset.
func (s *session) reportGaps(ctx context.Context, log broker.Extent, ours map[int32]kgo.Offset, commits map[int32]broker.Commit) error {
	var gaps []broker.Gap
	for _, n := range slices.Sorted(maps.Keys(ours)) {
		position := commits[n].Offset
		// Alerts that are acknowledged up to a later offset were of another log.
		if _, acknowledged, ok := windows.AcknowledgedIn(commits[n].Metadata); ok && acknowledged > log.Ends[n] {
			position = acknowledged
		}
		if g, missing := log.Gap(n, position); missing {
			gaps = append(gaps, g)
		}
	}
	return s.recordGaps(ctx, gaps, "windows that may have lost events are not judged")
}

func (s *session) recordGaps(ctx context.Context, gaps []broker.Gap, consequence string) error {
	for _, g := range gaps {
		s.p.cfg.Log.Warn().Msg("processor: " + g.String() + ": " + consequence)
	}
	if len(gaps) == 0 || s.p.cfg.OnGaps == nil {
		return nil
	}
	return s.p.cfg.OnGaps(ctx, gaps)
}

// checkUnanswered makes up for the check of a commit that begin could not make,
// once the partition has answered: a log that ends before it has lost its end.
func (s *session) checkUnanswered() error {
	for n, a := range s.parts {
		if !a.unanswered || s.latest == nil || s.latest.asked.Before(a.since) {
			continue
		}
		end, answered := s.latest.ends[n]
		if !answered {
			continue
		}
		a.unanswered = false
		if a.unfinished != nil {
			a.unfinished.after = end
		}
		if a.Acknowledged() > end {
			return fmt.Errorf("%s-%d ends at offset %d and is counted up to %d: %w", s.topics.Events, n, end, a.Acknowledged(), errStartAgain)
		}
	}
	return nil
}

// logUnusable logs why partitions that have commits are read from the log's
// beginning, each reason once: they are of an older version and of a rule that is
// not known, or they cannot be used.
func (s *session) logUnusable(commits map[int32]error) {
	others, broken := 0, 0
	var example error
	for _, n := range slices.Sorted(maps.Keys(commits)) {
		if errors.Is(commits[n], windows.ErrOtherRule) {
			others++
			continue
		}
		if broken++; example == nil {
			example = fmt.Errorf("partition %d: %w", n, commits[n])
		}
	}
	if others > 0 {
		s.p.cfg.Log.Warn().Int("partitions", others).
			Msg("processor reads the log from its beginning: the commits were made by an older version and by a rule that was given in flags; with the same flags it would have continued from them")
	}
	if broken > 0 {
		s.p.cfg.Log.Warn().Err(example).Int("partitions", broken).
			Msg("processor reads the log from its beginning: the commits cannot be used")
	}
}
