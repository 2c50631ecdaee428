package notifier

import (
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/notifier/webhook"
)

// plan is what is to become of the notices that a poll's alerts gave rise to.
type plan struct {
	ledger  *ledger
	clients []*webhook.Client
	maxAge  time.Duration
	log     zerolog.Logger

	made    []decision
	decided map[string]noticed // those that are made, as the ledger will have them
}

// decision is an entry for the ledger, in the partition of its alert.
type decision struct {
	partition int32
	entry     broker.LedgerEntry
}

// open says whether a notice may have to be decided for a receiver.
func (p *plan) open(d *due) bool {
	if !p.ledger.rule(d.alert.Rule).Notify {
		return false
	}
	for _, c := range p.clients {
		if p.ledger.noticed(episodeOf(&d.alert), d.notice, c.Name) == nil {
			return true
		}
	}
	return false
}

// noticed is what is known of a notice to a receiver, or nil.
func (p *plan) noticed(episode string, notice broker.Notice, receiver string) *noticed {
	if n := p.ledger.noticed(episode, notice, receiver); n != nil {
		return n
	}
	if n, ok := p.decided[noticeKey(&broker.LedgerEntry{EpisodeID: episode, Notice: notice, Receiver: receiver})]; ok {
		return &n
	}
	return nil
}

// decide adds to the plan what is to become of a notice that is due now. The end
// is for those who are told, or have been told, of the first firing.
func (p *plan) decide(partition int32, d *due, now time.Time) error {
	a, episode := &d.alert, episodeOf(&d.alert)
	rule := p.ledger.rule(a.Rule)
	if !rule.Notify {
		return nil
	}
	silence, silenced := p.ledger.silenced(a.ProductID, rule.Name, now)
	for _, c := range p.clients {
		if p.noticed(episode, d.notice, c.Name) != nil {
			continue
		}
		from := a.WindowStart
		if d.notice == broker.NoticeEnd {
			first := p.noticed(episode, broker.NoticeFirst, c.Name)
			if first == nil || first.outcome != "" && first.outcome != broker.OutcomeSent {
				continue
			}
			from = first.from
		}
		e := broker.LedgerEntry{
			Kind: broker.LedgerResult, At: now.UTC().Truncate(time.Millisecond), EpisodeID: episode, AlertID: a.ID, ProductID: a.ProductID,
			Rule: rule.Name, Notice: d.notice, Receiver: c.Name,
		}
		age := now.Sub(a.WindowEnd)
		switch {
		case silenced:
			e.Outcome, e.Reason = broker.OutcomeSilenced, "silence "+silence.SilenceID
		case d.notice == broker.NoticeFirst && age > p.maxAge:
			e.Outcome, e.Reason = broker.OutcomeTooOld, "its window ended "+event.ShortDuration(age.Truncate(time.Second))+" before"
		default:
			body := newBody(d.notice, a, rule, from)
			text, err := body.text(c.Format)
			if err != nil {
				return err
			}
			e.Kind, e.Body, e.From = broker.LedgerIntent, text, from.UTC()
		}
		if err := e.Validate(); err != nil {
			p.log.Warn().Err(err).Str("alert", a.ID).Int32("partition", partition).Msg("an alert that another program wrote does not notify")
			return nil
		}
		p.made = append(p.made, decision{partition, e})
		if p.decided == nil {
			p.decided = make(map[string]noticed)
		}
		p.decided[noticeKey(&e)] = noticed{outcome: e.Outcome, from: e.From}
	}
	return nil
}
