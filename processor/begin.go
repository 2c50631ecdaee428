package processor

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"clickstream/internal/broker"
	"clickstream/processor/windows"
)

// begin returns the partition as its commit left it, or, without a commit that
// can be used, at the log's beginning. The error says why a commit cannot be
// used.
func (s *session) begin(c broker.Commit, committed bool, start, end int64) (*windows.Partition, error) {
	beginning := windows.New(s.p.cfg.Rule, start, start > 0)
	if !committed {
		return beginning, nil
	}
	p, err := windows.Resume(s.p.cfg.Rule, c.Offset, c.Metadata)
	switch {
	case err != nil:
		return beginning, err
	case p.Offset() < start || p.Acknowledged() > end:
		return beginning, fmt.Errorf("offsets %d to %d are not on the log, which holds %d to %d", p.Offset(), p.Acknowledged(), start, end)
	}
	return p, nil
}

// logUnusable logs why partitions that have commits are read from the log's
// beginning, each reason once: the rule has changed, which is no fault, or the
// commits cannot be used.
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
		s.p.cfg.Log.Info().Stringer("rule", s.p.cfg.Rule).Int("partitions", others).
			Msg("processor reads the log from its beginning: the commits were made by another rule")
	}
	if broken > 0 {
		s.p.cfg.Log.Warn().Err(example).Int("partitions", broken).
			Msg("processor reads the log from its beginning: the commits cannot be used")
	}
}
