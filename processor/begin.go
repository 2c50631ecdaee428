package processor

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"clickstream/internal/broker"
	"clickstream/processor/windows"
)

// begin is the partition as its commit left it, or, without one that means
// anything here, at the log's beginning; the error says why in spite of one.
func (s *session) begin(c broker.Commit, committed bool, start, end int64) (*windows.Partition, error) {
	beginning := windows.New(s.p.cfg.Rule, start, start > 0)
	if !committed {
		return beginning, nil
	}
	p, err := windows.Resume(s.p.cfg.Rule, c.Offset, c.Metadata)
	switch {
	case err != nil:
		return beginning, err
	case p.Offset() < start || p.Told() > end:
		return beginning, fmt.Errorf("offsets %d to %d are not on the log, which holds %d to %d", p.Offset(), p.Told(), start, end)
	}
	return p, nil
}

// sayUnusable says why partitions that have commits are read from the log's
// beginning, each reason once: another rule was asked for, which is no fault,
// or the commits mean nothing here.
func (s *session) sayUnusable(commits map[int32]error) {
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
			Msg("processor reads the log from its beginning: what is committed is another rule's")
	}
	if broken > 0 {
		s.p.cfg.Log.Warn().Err(example).Int("partitions", broken).
			Msg("processor reads the log from its beginning: what is committed means nothing here")
	}
}
