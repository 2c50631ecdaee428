// Package webhook posts notices to receivers over HTTP: what is signed, which
// answers are final, how long a receiver asks to wait. It holds URLs and secrets,
// and keeps them out of every error, log line and printed form.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/go-retryablehttp"
)

// Format is what a receiver understands.
type Format string

// Formats of notices.
const (
	JSON  Format = "webhook" // an object with all that is known
	Slack Format = "slack"   // {"text": …}, as Slack and many others take it
)

// Receiver is where notices are sent to, by HTTP POST. Its URL and its secret are
// in no error, log line or printed form.
type Receiver struct {
	// Name is the receiver's on the ledger: one with another name gets what
	// this one has had already.
	Name   string
	Format Format
	URL    string
	Secret string // signs each notice; empty: none is signed
}

// String names the receiver and its host. A path may be a secret, as Slack's is.
func (r Receiver) String() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return r.Name
	}
	return fmt.Sprintf("%s (%s, %s://%s)", r.Name, r.Format, u.Scheme, u.Host)
}

// GoString keeps URL and secret out of %#v.
func (r Receiver) GoString() string { return r.String() }

var receiverName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Check reports all that is wrong with them, together.
func Check(receivers []Receiver) error {
	var errs []error
	named := make(map[string]bool)
	for _, r := range receivers {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("receiver %q: %w", r.Name, fmt.Errorf(format, args...)))
		}
		if !receiverName.MatchString(r.Name) {
			bad("give it a name of lower-case letters, digits, - and _, at most 64")
		}
		if named[r.Name] {
			bad("another one has this name: write NAME=URL to give each its own")
		}
		named[r.Name] = true
		if r.Format != JSON && r.Format != Slack {
			bad("format %q: it is webhook or slack", r.Format)
		}
		// The error of Parse repeats the URL.
		if u, err := url.Parse(r.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			bad("its URL is not an http or https URL: write it as https://HOST/PATH")
		}
	}
	return errors.Join(errs...)
}

// HeaderSignature carries the signature: t=SECONDS,v1=HEX, where HEX is the
// HMAC-SHA256 of SECONDS, a dot and the body, under the secret.
const HeaderSignature = "Clickstream-Signature"

// HeaderKey tells a receiver that it has had a notice already.
const HeaderKey = "Idempotency-Key"

// Sign is the signature of a body that is sent at a time.
func Sign(secret, body string, at time.Time) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "." + body))
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Limits of one sending. Short retries bridge a restart of the receiver; the
// queue has the long ones.
const (
	sendWithin  = 10 * time.Second // of each try
	shortTries  = 3
	shortPause  = 500 * time.Millisecond
	longestWait = 2 * time.Second
	mostAnswer  = 4 << 10 // bytes of an answer that are read
	mostReason  = 200     // bytes of it that are kept
	mostHops    = 3       // redirects that are followed
	longestHold = time.Hour
)

// Client sends notices to one receiver.
type Client struct {
	Receiver
	http *http.Client
	now  func() time.Time
}

// NewClient connects by transport, or by one of its own where that is nil.
func NewClient(r Receiver, transport http.RoundTripper) *Client {
	if transport == nil {
		transport = cleanhttp.DefaultPooledTransport()
	}
	return &Client{Receiver: r, now: time.Now, http: &http.Client{Transport: transport, Timeout: sendWithin, CheckRedirect: sameHost}}
}

// Close ends the connections that wait for more.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// sameHost follows a redirect that stays on the host and is still a POST with
// the body. Another is the answer, and the notice is not shown to anybody else.
func sameHost(next *http.Request, before []*http.Request) error {
	first := before[0]
	if len(before) > mostHops || next.URL.Host != first.URL.Host || next.URL.Scheme != first.URL.Scheme || next.Method != first.Method {
		return http.ErrUseLastResponse
	}
	return nil
}

// retrySoon says what a short retry may help with: not a receiver that names a
// time to wait.
func retrySoon(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if resp != nil && (resp.StatusCode == http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "") {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// Answer is what came of a sending.
type Answer struct {
	Sent     bool
	Refused  bool          // for good: the same bytes would be refused again
	Reason   string        // why it was not sent
	Wait     time.Duration // how long the receiver asks to wait
	Attempts int
}

// Send posts a body and says what the receiver answered. The end of ctx is one of
// the reasons why it was not sent.
func (c *Client) Send(ctx context.Context, key, body string) (a Answer) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, c.URL, []byte(body))
	if err != nil {
		return Answer{Reason: c.withoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "clickstream")
	req.Header.Set(HeaderKey, key)
	tries := retryablehttp.Client{
		HTTPClient: c.http, RetryWaitMin: shortPause, RetryWaitMax: longestWait, RetryMax: shortTries - 1,
		CheckRetry: retrySoon, Backoff: retryablehttp.DefaultBackoff, ErrorHandler: retryablehttp.PassthroughErrorHandler,
		RequestLogHook: func(_ retryablehttp.Logger, r *http.Request, _ int) {
			a.Attempts++
			if c.Secret != "" {
				r.Header.Set(HeaderSignature, Sign(c.Secret, body, c.now()))
			}
		},
	}
	resp, err := tries.Do(req)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		a.Reason = c.withoutURL(err)
		return a
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		a.Sent = true
		return a
	}
	a.Refused = refused(resp.StatusCode)
	a.Wait = retryAfter(resp.Header.Get("Retry-After"), c.now())
	a.Reason = c.reason(resp, string(text))
	return a
}

// refused says whether an answer is about the notice. One about the receiver's
// settings or its state, such as a token that has expired, may change.
func refused(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

func (c *Client) reason(resp *http.Response, text string) string {
	reason := "answered " + strconv.Itoa(resp.StatusCode)
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return reason + ", a redirect that is not followed: give the URL that it leads to"
	}
	text = strings.ToValidUTF8(strings.TrimSpace(c.hide(text)), "")
	if text == "" {
		return reason
	}
	return reason + ": " + strconv.Quote(text[:min(len(text), mostReason)])
}

// hide takes what may be secret out of a text of the receiver's.
func (c *Client) hide(text string) string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	for _, secret := range []string{c.URL, u.RawQuery, u.User.String(), c.Secret, strings.Trim(u.Path, "/")} {
		if len(secret) > 1 {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

// withoutURL is an error's text without the URL that net/http puts before it.
func (c *Client) withoutURL(err error) string {
	if of, ok := errors.AsType[*url.Error](err); ok {
		err = of.Err
	}
	text := c.hide(err.Error())
	return strings.ToValidUTF8(text[:min(len(text), mostReason)], "") // the ledger takes no part of a character
}

// retryAfter reads the header Retry-After: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), longestHold)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), longestHold)
	}
	return 0
}
