package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event/rules"
)

// ruleSets are the rule sets of the log, as far as this instance has read them.
// To look one up does no I/O, and any number of workers may do so.
type ruleSets struct {
	first  *rules.Set                      // judges the log from its beginning on
	known  atomic.Pointer[broker.RuleSets] // nil before they are read for the first time
	wanted chan struct{}                   // asks follow to read them again
}

func newRuleSets(first *rules.Set) *ruleSets {
	return &ruleSets{first: first, wanted: make(chan struct{}, 1)}
}

// readRuleSets are those of a log that is read for a report.
func readRuleSets(ctx context.Context, cl *broker.Client) (*ruleSets, error) {
	r := newRuleSets(rules.Default())
	return r, r.read(ctx, cl)
}

// errUnknownSet is why a partition cannot be read on, or begun: a set that judges
// its windows is not known. It passes when the set is in the rules topic.
var errUnknownSet = errors.New("the windows cannot be judged")

// lookup finds a set by its hash, or by that of a rule in a commit of the first
// version.
func (r *ruleSets) lookup(hash string) (*rules.Set, error) {
	if hash == r.first.Hash() {
		return r.first, nil
	}
	known := r.known.Load()
	if known == nil {
		return nil, fmt.Errorf("%w: rule set %s has not been read yet", errUnknownSet, hash)
	}
	set, err := known.Lookup(hash)
	if err == nil {
		return set, nil
	}
	if set, ok := known.LookupRule(hash); ok {
		return set, nil
	}
	return nil, fmt.Errorf("%w: %w", errUnknownSet, err)
}

// inForce is the set in force where a partition begins: at the log's beginning, or
// where retention has cut it.
func (r *ruleSets) inForce(partition int32, start int64) (*rules.Set, error) {
	known := r.known.Load()
	if known == nil {
		return r.first, nil
	}
	hash := known.InForce(partition, start)
	if hash == rules.Default().Hash() {
		return r.first, nil
	}
	return r.lookup(hash)
}

// counts says whether the rule with this definition counts events of a type.
func (r *ruleSets) counts(definition, eventType string) bool {
	set, rule, ok := r.defining(definition)
	return ok && slices.Contains(set.Counts(rule), eventType)
}

// defining is a set with the rule of this definition, and the rule's index.
func (r *ruleSets) defining(definition string) (set *rules.Set, rule int, ok bool) {
	if known := r.known.Load(); known != nil {
		return known.Defining(definition)
	}
	return nil, 0, false
}

func (r *ruleSets) read(ctx context.Context, cl *broker.Client) error {
	sets, err := cl.RuleSets(ctx)
	if err == nil {
		r.known.Store(sets)
	}
	return err
}

// want asks for the sets to be read again.
func (r *ruleSets) want() {
	select {
	case r.wanted <- struct{}{}:
	default: // it is asked already
	}
}

// Reading the sets again takes no longer than setsWithin, and begins no sooner than
// setsEvery after the last time. A partition that waits for its set all the same
// says so every waitingEvery.
const (
	setsWithin   = 10 * time.Second
	setsEvery    = time.Second
	waitingEvery = time.Minute
)

// followSets reads the sets again whenever that is wanted, until ctx ends.
func (s *session) followSets(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.sets.wanted:
		}
		within, cancel := context.WithTimeout(ctx, setsWithin)
		err := s.sets.read(within, s.out)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.p.cfg.Log.Warn().Err(err).Msg("processor could not read the rule sets; it will try again")
		}
		s.wake.now()
		select {
		case <-ctx.Done():
			return
		case <-time.After(setsEvery):
		}
	}
}
