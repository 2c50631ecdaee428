package notifier

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/notifier/webhook"
)

// bodyVersion is raised when a field changes its meaning or goes. Fields may be
// added without that.
const bodyVersion = 1

// Body is the JSON that a webhook gets (docs/alerts.md, Notices). It depends on
// the alert at which the notice became due, on its rule and on the ledger, so
// whoever makes it makes the same.
type Body struct {
	Version        int       `json:"version"`
	Notice         string    `json:"notice"` // first, end or test
	Key            string    `json:"key"`    // also the Idempotency-Key
	EpisodeID      string    `json:"episode_id"`
	ProductID      string    `json:"product_id"`
	Rule           string    `json:"rule"` // its name
	RuleDefinition string    `json:"rule_definition"`
	Description    string    `json:"description"`
	Severity       string    `json:"severity"`
	From           time.Time `json:"from"` // where the window of the first notice's alert begins
	// The rest is of the alert at which the notice became due.
	AlertID        string       `json:"alert_id"`
	AlertVersion   int64        `json:"alert_version"`
	WindowStart    time.Time    `json:"window_start"`
	WindowEnd      time.Time    `json:"window_end"`
	Status         event.Status `json:"status"`
	Views          int          `json:"views"`
	Purchases      int          `json:"purchases"`
	ConversionRate float64      `json:"conversion_rate"`
	Exact          bool         `json:"exact"`
}

// noticeTest is what a test notice is instead of first or end.
const noticeTest = "test"

func newBody(notice broker.Notice, a *event.Alert, rule rules.Rule, from time.Time) Body {
	episode := episodeOf(a)
	key := broker.LedgerEntry{EpisodeID: episode, Notice: notice}
	return Body{
		Version: bodyVersion, Notice: string(notice), Key: key.NoticeKey(), EpisodeID: episode, ProductID: a.ProductID,
		Rule: event.RuleName(a.Rule), RuleDefinition: a.Rule, Description: rule.Description, Severity: rule.Severity, From: from.UTC(),
		AlertID: a.ID, AlertVersion: a.Version, WindowStart: a.WindowStart.UTC(), WindowEnd: a.WindowEnd.UTC(),
		Status: a.Status, Views: a.Views, Purchases: a.Purchases, ConversionRate: a.ConversionRate, Exact: a.Exact,
	}
}

// text is the body for a receiver of this format.
func (b *Body) text(f webhook.Format) (string, error) {
	var v any = b
	if f == webhook.Slack {
		v = struct {
			Text string `json:"text"`
		}{b.sentence()}
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// slackText escapes what Slack takes for markup.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// sentence is the notice for people, in Slack's markup.
func (b *Body) sentence() string {
	product, rule := slackText.Replace(b.ProductID), slackText.Replace(b.Rule)
	const day = "2006-01-02 "
	window := fmt.Sprintf("%s to %s UTC", b.WindowStart.Format(day+b.clock()), b.WindowEnd.Format(b.clock()))
	counts := fmt.Sprintf("%s and %s from %s", number(b.Views, "view"), number(b.Purchases, "purchase"), window)
	switch b.Notice {
	case noticeTest:
		return "A test notice of clickstream: this receiver gets its alerts."
	case string(broker.NoticeEnd):
		return fmt.Sprintf("*%s* is over for %s. It began at %s UTC; at last it had %s, and the alert was %s.",
			rule, product, b.From.Format(day+b.clock()), counts, b.Status)
	}
	text := fmt.Sprintf("*%s* (%s) fires for %s: %s.", rule, b.Severity, product, counts)
	if b.Severity == "" {
		text = fmt.Sprintf("*%s* fires for %s: %s.", rule, product, counts)
	}
	if c := b.condition(); c != "" {
		text += " Its condition is `" + slackText.Replace(c) + "`."
	}
	if b.Description != "" {
		text += " " + slackText.Replace(b.Description)
	}
	return text
}

// clock is the format of times of day: with seconds where minutes do not do.
func (b *Body) clock() string {
	for _, t := range [...]time.Time{b.From, b.WindowStart, b.WindowEnd} {
		if t.Second() != 0 {
			return time.TimeOnly
		}
	}
	return "15:04"
}

func number(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// condition is what the rule's definition says between its name and its window.
// It is empty for the flash sale, whose numbers are in the notice already.
func (b *Body) condition() string {
	if _, err := event.ParseRule(b.RuleDefinition); err == nil {
		return ""
	}
	_, rest, _ := strings.Cut(b.RuleDefinition, "(")
	condition, _, ok := strings.Cut(rest, ",window=")
	if !ok {
		return ""
	}
	return strings.ReplaceAll(condition, ",", ", ")
}
