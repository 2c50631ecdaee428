package notifier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/processor/notifier/webhook"
)

// Config is what a Notifier needs.
type Config struct {
	Broker    *broker.Client // stays the caller's to close
	Receivers []webhook.Receiver
	// MaxAge is how long a window may have ended when its episode is notified
	// first; default DefaultMaxAge.
	MaxAge time.Duration
	// GiveUp is how long a notice is tried for a receiver that does not take it;
	// default DefaultGiveUp.
	GiveUp time.Duration
	// Transport is how receivers are reached; nil: over the machine's network, each
	// with connections of its own.
	Transport http.RoundTripper
	Log       zerolog.Logger
}

// Defaults of a Config's empty fields.
const (
	DefaultMaxAge = time.Hour
	DefaultGiveUp = 24 * time.Hour
)

// Pacing, and bounds of waits.
const (
	rejoinAfter    = time.Second
	forgetEvery    = time.Minute
	sessionTimeout = 10 * time.Second
	// catchUpWithin bounds the wait for the ledger of an assignment or a decision.
	catchUpWithin = 20 * time.Second
	// longestWindow and the longest lateness bound for how long an alert may fire
	// after its window began.
	longestWindow   = 24 * time.Hour
	longestLateness = 24 * time.Hour
)

// Notifier sends the notices of the partitions that the consumer group
// "notifier" assigns to it. Run is called once.
type Notifier struct {
	cfg     Config
	clients []*webhook.Client
	// at, of tests, is called before each step that a crash may precede. Its error
	// ends Run as a killed process ends: nothing is written or committed after it.
	at func(step string) error
	// ledger is that of the membership now, or of the last one.
	ledger atomic.Pointer[ledger]
}

// Steps of Notifier.at.
const (
	stepIntents = "before the intents"
	stepDecided = "after the intents"
	stepSend    = "before a notice is sent"
	stepResult  = "before a result"
	stepCommit  = "before the commit"
)

// New checks the settings, all together; it opens no connection.
func New(cfg Config) (*Notifier, error) {
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultMaxAge
	}
	if cfg.GiveUp == 0 {
		cfg.GiveUp = DefaultGiveUp
	}
	var errs []error
	if cfg.Broker == nil {
		errs = append(errs, errors.New("no broker is given"))
	}
	if err := errors.Join(append(errs, cfg.Check())...); err != nil {
		return nil, fmt.Errorf("notifier: %w", err)
	}
	n := &Notifier{cfg: cfg}
	for _, r := range cfg.Receivers {
		n.clients = append(n.clients, webhook.NewClient(r, cfg.Transport))
	}
	return n, nil
}

// Check reports what is wrong with the receivers and the times.
func (cfg *Config) Check() error {
	errs := []error{webhook.Check(cfg.Receivers)}
	if len(cfg.Receivers) == 0 {
		errs = append(errs, errors.New("no receiver is given"))
	}
	if cfg.MaxAge < 0 || cfg.MaxAge > 30*24*time.Hour {
		errs = append(errs, fmt.Errorf("notify-max-age %s: give a positive duration up to 720h", event.ShortDuration(cfg.MaxAge)))
	}
	if cfg.GiveUp < 0 || cfg.GiveUp > 30*24*time.Hour {
		errs = append(errs, fmt.Errorf("notify-give-up %s: give a positive duration up to 720h", event.ShortDuration(cfg.GiveUp)))
	}
	return errors.Join(errs...)
}

func (n *Notifier) reached(step string) error {
	if n.at == nil {
		return nil
	}
	return n.at(step)
}

// Run notifies until ctx ends; then it finishes what it is sending, within
// seconds, commits and returns nil. The topics must exist. It waits for a broker
// that is unreachable.
func (n *Notifier) Run(ctx context.Context) error {
	defer func() {
		for _, c := range n.clients {
			c.Close()
		}
	}()
	for {
		err := n.member(ctx)
		switch class := broker.Classify(err); {
		case ctx.Err() != nil:
			if err != nil {
				n.cfg.Log.Warn().Err(err).Msg("notifier: stopped with notices under way; they are sent again")
			}
			return nil
		case err == nil:
			return errors.New("notifier: the session ended by itself")
		case class != broker.Retriable && class != broker.Fenced && class != broker.Canceled && !broker.PositionLost(err):
			return fmt.Errorf("notifier: %w", err)
		}
		n.cfg.Log.Warn().Err(err).Msg("notifier: joins the group again and continues from its last commit")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rejoinAfter):
		}
	}
}

// Answer is what a receiver answered to a test notice.
type Answer struct {
	Receiver string `json:"receiver"` // its name and host
	Sent     bool   `json:"sent"`
	Reason   string `json:"reason,omitempty"` // why it was not sent
	Attempts int    `json:"attempts"`
}

// Test sends a test notice to each receiver and returns what each answered. It
// writes nothing to the ledger.
func Test(ctx context.Context, receivers []webhook.Receiver, now time.Time) ([]Answer, error) {
	if err := webhook.Check(receivers); err != nil {
		return nil, err
	}
	now = now.UTC().Truncate(time.Second)
	body := Body{
		Version: bodyVersion, Notice: noticeTest, Key: "test/" + now.Format(time.RFC3339), EpisodeID: "test", ProductID: "test",
		Rule: "test", RuleDefinition: event.DefaultRule().String(), Description: "A test notice of clickstream.", Severity: "info",
		From: now, AlertID: "test", WindowStart: now, WindowEnd: now.Add(10 * time.Minute), Status: event.Firing, Exact: true,
	}
	var answers []Answer
	for _, r := range receivers {
		text, err := body.text(r.Format)
		if err != nil {
			return answers, err
		}
		c := webhook.NewClient(r, nil)
		a := c.Send(ctx, body.Key, text)
		c.Close()
		answers = append(answers, Answer{Receiver: r.String(), Sent: a.Sent, Reason: a.Reason, Attempts: a.Attempts})
	}
	return answers, nil
}
