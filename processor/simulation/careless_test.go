package simulation_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"clickstream/internal/simulation"
	"clickstream/processor/notifier/webhook"
)

// What the simulation must notice of notices, or its checks prove nothing.
func TestTheSimulationNoticesNotices(t *testing.T) {
	for name, test := range map[string]struct {
		transport func(http.RoundTripper) http.RoundTripper
		problem   string
	}{
		"new bytes in a repetition":        {func(t http.RoundTripper) http.RoundTripper { return &rewording{RoundTripper: t} }, "with the bytes"},
		"a notice before its intent":       {func(t http.RoundTripper) http.RoundTripper { return hasty{t} }, "intent"},
		"a notice that is lost on its way": {func(t http.RoundTripper) http.RoundTripper { return lossy{t} }, "the receiver has not got it"},
	} {
		t.Run(name, func(t *testing.T) {
			simulation.Seed(t, 1, func(t *testing.T, seed uint64) {
				t.Helper()
				w := simulate(t, seed, options{phases: 1, faults: 9, notify: true, transport: test.transport})
				if problems := strings.Join(w.Problems(), "\n"); !strings.Contains(problems, test.problem) {
					t.Errorf("it has noticed %q, and not %q; %s", problems, test.problem, w.figures())
				}
			})
		})
	}
}

// rewording adds a space to a body each time that it is sent, and loses the first
// answer.
type rewording struct {
	http.RoundTripper
	mu   sync.Mutex
	sent map[string]int
}

func (c *rewording) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.sent == nil {
		c.sent = make(map[string]int)
	}
	key := r.URL.Host + r.Header.Get(webhook.HeaderKey)
	before := c.sent[key]
	c.sent[key]++
	c.mu.Unlock()
	body = append(body, bytes.Repeat([]byte{' '}, before)...)
	answer, err := c.RoundTripper.RoundTrip(with(r, body, r.Header.Get(webhook.HeaderKey)))
	if err == nil && before == 0 {
		_ = answer.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return answer, err
}

// hasty sends the end of an episode together with its first notice.
type hasty struct{ http.RoundTripper }

func (c hasty) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	key := r.Header.Get(webhook.HeaderKey)
	answer, err := c.RoundTripper.RoundTrip(with(r, body, key))
	if episode, first := strings.CutSuffix(key, "/first"); first && err == nil {
		_ = answer.Body.Close()
		return c.RoundTripper.RoundTrip(with(r, body, episode+"/end"))
	}
	return answer, err
}

// lossy sends nothing that is not an episode's end, and says that it has.
type lossy struct{ http.RoundTripper }

func (c lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get(webhook.HeaderKey), "/end") {
		return c.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, r.Body.Close()
}

// with is the request with another body and key.
func with(r *http.Request, body []byte, key string) *http.Request {
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set(webhook.HeaderKey, key)
	return r
}
