package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

// LedgerKind says what an entry of the notifications topic is.
type LedgerKind string

// Kinds of ledger entries.
const (
	LedgerIntent  LedgerKind = "intent"  // a notice is going to be sent to a receiver
	LedgerResult  LedgerKind = "result"  // what became of a notice
	LedgerAck     LedgerKind = "ack"     // a person has seen an episode
	LedgerSilence LedgerKind = "silence" // a product or a rule does not notify for a while
)

// Notice is what a notice says of an episode.
type Notice string

// Notices of an episode.
const (
	NoticeFirst Notice = "first" // it is firing
	NoticeEnd   Notice = "end"   // none of its alerts is firing any more
)

// Outcome is what became of a notice. All of them are for good.
type Outcome string

// Outcomes of a notice.
const (
	OutcomeSent     Outcome = "sent"     // the receiver has answered that it has it
	OutcomeFailed   Outcome = "failed"   // the receiver refused it, or did not take it for too long
	OutcomeSilenced Outcome = "silenced" // a silence held when it was due
	OutcomeTooOld   Outcome = "too_old"  // the alert's window had ended long before
)

// LedgerEntry is one record of the notifier's ledger, the topic of
// notifications. Which fields it has depends on its kind.
type LedgerEntry struct {
	Kind LedgerKind `json:"kind"`
	At   time.Time  `json:"at"` // when it was decided, by the writer's clock; a silence begins then

	// An intent and a result are about a notice of an episode to a receiver; an
	// acknowledgement is about an episode; a silence about a product or a rule.
	EpisodeID string `json:"episode_id,omitempty"`
	AlertID   string `json:"alert_id,omitempty"` // the alert at which a notice became due
	ProductID string `json:"product_id,omitempty"`
	Rule      string `json:"rule,omitempty"` // its name
	Notice    Notice `json:"notice,omitempty"`
	Receiver  string `json:"receiver,omitempty"`
	// From is, of an intent, where the window of the first notice's alert begins.
	From time.Time `json:"from,omitzero"`

	Body string `json:"body,omitempty"` // of an intent: the exact bytes to send

	Outcome  Outcome `json:"outcome,omitempty"`  // of a result
	Attempts int     `json:"attempts,omitempty"` // of a result: how often the writer sent it

	SilenceID string    `json:"silence_id,omitempty"`
	Until     time.Time `json:"until,omitzero"`     // a silence ends then
	EndedBy   string    `json:"ended_by,omitempty"` // who ended a silence before it would have ended

	Reason string `json:"reason,omitempty"` // of a result that is not sent, of a silence, of an acknowledgement
	By     string `json:"by,omitempty"`     // who silenced or acknowledged
}

// NoticeKey names a notice of an episode to all receivers. It is the
// Idempotency-Key that a receiver gets.
func (e *LedgerEntry) NoticeKey() string { return e.EpisodeID + "/" + string(e.Notice) }

// Key is the record's key. The topic is compacted, so the last entry of a key is
// kept for ever. An intent and its result have different keys: a writer that was
// paused may write its intent after another's result, and that must not hide it.
func (e *LedgerEntry) Key() string {
	switch e.Kind {
	case LedgerIntent, LedgerResult:
		return e.NoticeKey() + "/" + e.Receiver + "/" + string(e.Kind)
	case LedgerSilence:
		return "silence/" + e.SilenceID
	}
	return string(e.Kind) + "/" + e.EpisodeID
}

// Limits of what people write into the ledger.
const (
	MaxLedgerName = 128  // bytes of an id or a name
	MaxLedgerText = 1000 // bytes of a reason
)

// Validate names the first field that is wrong.
func (e *LedgerEntry) Validate() error {
	need := map[string]string{}
	switch e.Kind {
	case LedgerIntent, LedgerResult:
		need["episode_id"], need["product_id"], need["receiver"] = e.EpisodeID, e.ProductID, e.Receiver
		if e.Notice != NoticeFirst && e.Notice != NoticeEnd {
			return fmt.Errorf("notice %q: it is first or end", e.Notice)
		}
	case LedgerAck:
		need["episode_id"], need["by"] = e.EpisodeID, e.By
	case LedgerSilence:
		need["silence_id"], need["by"] = e.SilenceID, e.By
		if (e.ProductID == "") == (e.Rule == "") {
			return errors.New("product_id and rule: a silence has one of them")
		}
		if e.Until.IsZero() {
			return errors.New("until: a silence needs it")
		}
	default:
		return fmt.Errorf("kind %q is not known", e.Kind)
	}
	for name, value := range need {
		if value == "" {
			return fmt.Errorf("%s is missing", name)
		}
	}
	switch {
	case e.At.IsZero():
		return errors.New("at is missing")
	case e.Kind == LedgerIntent && e.Body == "":
		return errors.New("body is missing")
	case e.Kind == LedgerResult && e.Outcome != OutcomeSent && e.Outcome != OutcomeFailed && e.Outcome != OutcomeSilenced && e.Outcome != OutcomeTooOld:
		return fmt.Errorf("outcome %q is not known", e.Outcome)
	}
	return e.checkText()
}

// checkText bounds what the entry repeats of others' text.
func (e *LedgerEntry) checkText() error {
	for _, f := range [...]struct {
		name, value string
		most        int
	}{
		{"episode_id", e.EpisodeID, MaxLedgerName}, {"alert_id", e.AlertID, MaxLedgerName}, {"product_id", e.ProductID, MaxLedgerName},
		{"rule", e.Rule, MaxLedgerName}, {"receiver", e.Receiver, MaxLedgerName}, {"silence_id", e.SilenceID, MaxLedgerName},
		{"by", e.By, MaxLedgerName}, {"ended_by", e.EndedBy, MaxLedgerName}, {"reason", e.Reason, MaxLedgerText},
	} {
		switch {
		case len(f.value) > f.most:
			return fmt.Errorf("%s has %d bytes: at most %d", f.name, len(f.value), f.most)
		case !utf8.ValidString(f.value):
			return fmt.Errorf("%s is not UTF-8", f.name)
		}
	}
	return nil
}

// LedgerRecord is the entry as a record of a partition. Entries about a product
// are in the partition of its events and alerts, so that one instance has all of
// them.
func LedgerRecord(topic string, partition int32, e *LedgerEntry) (*kgo.Record, error) {
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("%s on the ledger: %w", e.Kind, err)
	}
	value, err := json.Marshal(e)
	return &kgo.Record{Topic: topic, Partition: partition, Key: []byte(e.Key()), Value: value}, err
}

// ParseLedger reads a record of the notifications topic.
func ParseLedger(r *kgo.Record) (LedgerEntry, error) {
	var e LedgerEntry
	err := json.Unmarshal(r.Value, &e)
	if err == nil {
		err = e.Validate()
	}
	if err == nil && e.Key() != string(r.Key) {
		err = errors.New("its key is another entry's")
	}
	if err != nil {
		return e, fmt.Errorf("the record at offset %d of %s-%d is no entry of the ledger: %w", r.Offset, r.Topic, r.Partition, err)
	}
	return e, nil
}

// WriteLedger writes what a person has decided, acknowledgements and silences,
// and returns when it is acknowledged. The client is one with ProducerOptions.
func (c *Client) WriteLedger(ctx context.Context, entries ...LedgerEntry) error {
	topic := c.Topics().Notifications
	partitions, err := c.Partitions(ctx, topic)
	if err != nil {
		return err
	}
	records := make([]*kgo.Record, len(entries))
	for i := range entries {
		e := &entries[i]
		var at int32 // a silence of a rule is of no product
		if e.ProductID != "" {
			at = event.Partition(e.ProductID, partitions)
		}
		if records[i], err = LedgerRecord(topic, at, e); err != nil {
			return err
		}
	}
	if err := c.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write to topic %s: %w", topic, err)
	}
	return nil
}

// ReadLedger calls fn for each entry that is on the ledger now, in order per
// partition. Records that are no entries are passed over.
func (c *Client) ReadLedger(ctx context.Context, fn func(partition int32, e LedgerEntry) error) error {
	topic := c.Topics().Notifications
	ends, err := c.EndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	return c.ReadLog(ctx, topic, nil, ends, func(r *kgo.Record) error {
		e, err := ParseLedger(r)
		if err != nil {
			return nil //nolint:nilerr // deleted by hand, or of a newer version
		}
		return fn(r.Partition, e)
	})
}
