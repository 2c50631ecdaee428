package instance

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/event/rules"
)

// rulesAtStart is the rule set that an instance was started with. It is put in
// force once, whatever is put in force later: of instances with different sets the
// one that was started last wins.
type rulesAtStart struct {
	set     *rules.Set    // nil: what is in force on the log stays
	applied chan struct{} // closed when the set is in force
	began   time.Time
}

// The roles that bring events to the log, and the one that counts them, wait for
// the set for at most rulesFirst: the first events of a new log are then judged by
// it. A partition without a leader holds them up no longer. One try to put it in
// force takes at most rulesWithin.
const (
	rulesFirst  = 5 * time.Second
	rulesWithin = 20 * time.Second
)

func newRulesAtStart(set *rules.Set) *rulesAtStart {
	return &rulesAtStart{set: set, applied: make(chan struct{}), began: time.Now()}
}

// wait waits for the set as long as it is worth it.
func (s *rulesAtStart) wait(ctx context.Context) {
	if s == nil || s.set == nil {
		return
	}
	select {
	case <-s.applied:
	case <-ctx.Done():
	case <-time.After(rulesFirst - time.Since(s.began)):
	}
}

// apply puts the set in force if it is not. Without a set it finishes what an
// instance or a command has begun and not done to the end.
func (s *rulesAtStart) apply(ctx context.Context, cl *broker.Client, log zerolog.Logger) error {
	if s == nil {
		return nil
	}
	select {
	case <-s.applied:
		return nil // and the role was started again
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, rulesWithin)
	defer cancel()
	set, err := s.set, error(nil)
	if set == nil {
		set, err = begunSet(ctx, cl, log)
	}
	changed := false
	if err == nil && set != nil {
		changed, err = cl.ApplyRules(ctx, set, time.Now())
	}
	if err != nil {
		return fmt.Errorf("put the rules in force: %w", err)
	}
	if changed {
		log.Info().Str("set", set.Hash()).Int("rules", len(set.Rules())).Msg("a rule set was put in force: it judges the windows that start from now on")
	}
	close(s.applied)
	return nil
}

// begunSet is the set that was to be put in force last and is not everywhere, or
// nil.
func begunSet(ctx context.Context, cl *broker.Client, log zerolog.Logger) (*rules.Set, error) {
	sets, err := cl.RuleSets(ctx)
	if err != nil || sets.Begun() == "" {
		return nil, err
	}
	set, err := sets.Lookup(sets.Begun())
	if err != nil {
		log.Warn().Err(err).Msg("a rule set that was put in force in some partitions alone cannot be put in force in the others")
		return nil, nil // what is in force stays
	}
	return set, nil
}
