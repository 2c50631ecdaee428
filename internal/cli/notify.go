package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"clickstream/processor/notifier"
	"clickstream/processor/notifier/webhook"
)

// notifyFlags say who is notified of alerts.
type notifyFlags struct {
	NotifyWebhook    []string      `group:"notify" placeholder:"[NAME=]URL" help:"Send notices of alerts there as JSON. NAME tells several apart (default: webhook); a comma in a URL is written %2C."`
	NotifySlack      []string      `group:"notify" placeholder:"[NAME=]URL" help:"Send them there as text, in Slack's form (default NAME: slack). Who knows the URL can post: better give it as $$CLICKSTREAM_NOTIFY_SLACK."`
	NotifySecretFile string        `group:"notify" placeholder:"FILE" help:"A file that holds the secret with which notices are signed. Without a file it is in $$CLICKSTREAM_NOTIFY_SECRET (default: notices are not signed)."`
	NotifyMaxAge     time.Duration `group:"notify" default:"${notifyMaxAge}" placeholder:"DURATION" help:"An alert whose window ended longer ago does not notify (${default})."`
	NotifyGiveUp     time.Duration `group:"notify" default:"${notifyGiveUp}" placeholder:"DURATION" help:"How long a notice is tried for a receiver that does not take it (${default})."`
}

// notify are the settings of the notifier, checked, all problems together.
func (f *notifyFlags) notify() (notifier.Config, error) {
	cfg := notifier.Config{MaxAge: f.NotifyMaxAge, GiveUp: f.NotifyGiveUp}
	secret, err := f.secret()
	errs := []error{err}
	for _, urls := range [...]struct {
		format webhook.Format
		given  []string
	}{{webhook.JSON, f.NotifyWebhook}, {webhook.Slack, f.NotifySlack}} {
		for _, given := range urls.given {
			if given == "" {
				continue // a variable that compose.yaml passes on without a value
			}
			r := webhook.Receiver{Name: string(urls.format), Format: urls.format, URL: given, Secret: secret}
			if name, url, named := strings.Cut(given, "="); named && !strings.Contains(name, ":") {
				r.Name, r.URL = name, url
			}
			cfg.Receivers = append(cfg.Receivers, r)
		}
	}
	if len(cfg.Receivers) > 0 {
		errs = append(errs, cfg.Check())
	}
	if err := errors.Join(errs...); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

func (f *notifyFlags) secret() (string, error) {
	secret := os.Getenv(envNotifySecret)
	if f.NotifySecretFile == "" {
		return secret, nil
	}
	if secret != "" {
		return "", fmt.Errorf("$%s and --notify-secret-file are both given: give one", envNotifySecret)
	}
	text, err := os.ReadFile(f.NotifySecretFile)
	if err != nil {
		return "", fmt.Errorf("read the secret of notices: %w", err)
	}
	if secret = strings.TrimRight(string(text), "\r\n"); secret == "" {
		return "", fmt.Errorf("notify-secret-file %s is empty", f.NotifySecretFile)
	}
	return secret, nil
}

type testNotifyCmd struct {
	notifyFlags
	Output string `enum:"text,json" default:"text" help:"text, or json: one receiver a line."`
}

func (testNotifyCmd) Help() string {
	return `Takes the receivers from the same flags and variables as serve. A test notice has "notice": "test". Exit status 1
if a receiver does not take it.

Examples:
  clickstream alerts test-notify --notify-webhook https://ops.example.com/alerts
  CLICKSTREAM_NOTIFY_SLACK=https://hooks.slack.com/services/… clickstream alerts test-notify`
}

func (c *testNotifyCmd) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.notify()
	if err != nil {
		return err
	}
	if len(cfg.Receivers) == 0 {
		return usagef("there is no receiver: give --notify-webhook or --notify-slack")
	}
	answers, err := notifier.Test(ctx, cfg.Receivers, time.Now())
	if err != nil {
		return err
	}
	failed := false
	for _, a := range answers {
		failed = failed || !a.Sent
		if c.Output == "json" {
			if err := json.NewEncoder(t.out).Encode(a); err != nil {
				return err
			}
			continue
		}
		answer := "has it"
		if !a.Sent {
			answer = "does not take it: " + a.Reason
		}
		fmt.Fprintf(t.out, "%s %s\n", printable(a.Receiver), printable(answer))
	}
	if failed {
		return silentError{}
	}
	return nil
}
