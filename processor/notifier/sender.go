package notifier

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/processor/notifier/webhook"
)

// sender sends what is pending for one receiver, one notice at a time.
type sender struct {
	client *webhook.Client
	ledger *ledger
	log    zerolog.Logger
	giveUp time.Duration // how long after its intent a notice is tried
	// ready makes sure that the ledger has been read up to what was on it a moment
	// ago: another instance may have sent what is pending here.
	ready func(ctx context.Context, partition int32) error
	// load reads an intent again, for its body.
	load func(ctx context.Context, partition int32, offset int64) (broker.LedgerEntry, error)
	// record writes an entry to the ledger and returns when it is acknowledged.
	record func(ctx context.Context, partition int32, e *broker.LedgerEntry) error
}

// run sends until ctx ends. An error of the ledger ends it earlier.
func (s *sender) run(ctx context.Context) error {
	for ctx.Err() == nil {
		p, own, again, moved := s.pick()
		if p != nil {
			err := s.work(own.ctx, p)
			own.sending.Done()
			if err != nil && own.ctx.Err() == nil {
				return fmt.Errorf("notify %s: %w", s.client.Name, err)
			}
			continue
		}
		wait(ctx, again, moved)
	}
	return nil
}

// wait returns at a change, at a time or when ctx has ended.
func wait(ctx context.Context, again time.Time, moved <-chan struct{}) {
	var timer <-chan time.Time
	if !again.IsZero() {
		t := time.NewTimer(time.Until(again))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
	case <-moved:
	case <-timer:
	}
}

// pick is the next notice and its partition's ownership, which is held until the
// caller is done with it. Without one it says when to look again.
func (s *sender) pick() (p *pending, own *ownership, again time.Time, moved <-chan struct{}) {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	moved = l.moved
	q := l.queues[s.client.Name]
	if q == nil {
		return nil, nil, time.Time{}, moved
	}
	p, again = q.pick(l.owned, time.Now())
	if p == nil {
		return nil, nil, again, moved
	}
	own = l.owned[p.partition]
	own.sending.Add(1)
	return p, own, time.Time{}, moved
}

// work sends a notice and records what came of it. One that is not taken is given
// up only after it was sent, however long it has waited: the instance may have
// been down until now. Its error is the ledger's: what came of it is not recorded
// then, and it is sent again.
func (s *sender) work(ctx context.Context, p *pending) error {
	if err := s.ready(ctx, p.partition); err != nil {
		return err
	}
	if !s.wanted(p) {
		return nil // another instance has sent it
	}
	result := p.entry
	result.Kind, result.Body, result.From = broker.LedgerResult, "", time.Time{}
	if s.untold(p) {
		result.Outcome, result.Reason = broker.OutcomeFailed, "its first notice was not sent"
		return s.done(ctx, p, result)
	}
	body, err := s.body(ctx, p)
	if err != nil {
		return err
	}
	a := s.client.Send(ctx, p.entry.NoticeKey(), body)
	if ctx.Err() != nil && !a.Sent {
		return ctx.Err() // the next owner sends it
	}
	s.answered(p, a)
	switch {
	case a.Sent:
		result.Outcome = broker.OutcomeSent
	case a.Refused:
		result.Outcome, result.Reason = broker.OutcomeFailed, a.Reason
	default:
		waited := time.Since(p.entry.At)
		if waited <= s.giveUp {
			return nil
		}
		result.Outcome, result.Reason = broker.OutcomeFailed, givenUp(waited, a)
	}
	return s.done(ctx, p, result)
}

// wanted says whether the notice still waits to be sent.
func (s *sender) wanted(p *pending) bool {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.queues[s.client.Name].byKey[p.key] != nil
}

// untold says whether the notice is the end of an episode of which the receiver
// did not get the first notice.
func (s *sender) untold(p *pending) bool {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	first := s.ledger.notices[p.first]
	return first != nil && first.outcome != "" && first.outcome != broker.OutcomeSent
}

// givenUp is the reason of a notice that the receiver did not take in time.
func givenUp(waited time.Duration, last webhook.Answer) string {
	reason := fmt.Sprintf("given up after %s; ", waited.Truncate(time.Second))
	if answer, ok := strings.CutPrefix(last.Reason, "answered "); ok {
		return reason + "the last answer was " + answer
	}
	return reason + "the last try got no answer: " + last.Reason
}

// body is the bytes to send, from the ledger where too many are in memory.
func (s *sender) body(ctx context.Context, p *pending) (string, error) {
	if p.entry.Body != "" {
		return p.entry.Body, nil
	}
	s.ledger.mu.Lock()
	offset := p.offset
	s.ledger.mu.Unlock()
	e, err := s.load(ctx, p.partition, offset)
	return e.Body, err
}

// answered changes the queue by what the receiver has answered.
func (s *sender) answered(p *pending, a webhook.Answer) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	q := s.ledger.queues[s.client.Name]
	p.attempts += a.Attempts
	if a.Sent || a.Refused {
		q.worked(time.Now())
		return
	}
	if q.fails == 0 {
		s.log.Warn().Str("receiver", s.client.Name).Str("notice", p.key).Str("reason", a.Reason).
			Msg("the receiver does not take notices: they are sent again with longer and longer pauses")
	}
	q.failed(p, a, time.Now())
}

// done records the result of a notice, which is decided then.
func (s *sender) done(ctx context.Context, p *pending, result broker.LedgerEntry) error {
	result.At, result.Attempts = time.Now().UTC().Truncate(time.Millisecond), p.attempts
	if err := s.record(ctx, p.partition, &result); err != nil {
		return err
	}
	s.ledger.apply(p.partition, -1, &result)
	level := zerolog.InfoLevel
	if result.Outcome != broker.OutcomeSent {
		level = zerolog.ErrorLevel
	}
	s.log.WithLevel(level).Str("receiver", s.client.Name).Str("notice", p.key).Str("product", result.ProductID).Int("attempts", p.attempts).
		Str("reason", result.Reason).Msg("notice " + string(result.Outcome))
	return nil
}
