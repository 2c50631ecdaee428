package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// genuine is what docs/alerts.md tells the owner of a receiver to do.
func genuine(secret, header string, body []byte, now time.Time) bool {
	stamp, signature, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false // too old: somebody may be repeating what they have overheard
	}
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	want := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(signature), []byte(want))
}

func TestN1_ANoticeIsSignedAsTheDocsSay(t *testing.T) {
	const secret = "a secret"
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	c := NewClient(Receiver{Name: "webhook", Format: JSON, URL: server.URL, Secret: secret}, nil)
	defer c.Close()
	if a := c.Send(t.Context(), "e1/first", `{"version":1}`); !a.Sent || a.Attempts != 1 {
		t.Fatalf("got %+v", a)
	}
	if header.Get("Idempotency-Key") != "e1/first" || header.Get("Content-Type") != "application/json" || string(body) != `{"version":1}` {
		t.Errorf("got %v and %s", header, body)
	}
	signature := header.Get("Clickstream-Signature")
	if !genuine(secret, signature, body, time.Now()) {
		t.Errorf("the signature %s is not genuine", signature)
	}
	for why, ok := range map[string]bool{
		"another secret":    genuine("another", signature, body, time.Now()),
		"another body":      genuine(secret, signature, []byte(`{"version":2}`), time.Now()),
		"ten minutes later": genuine(secret, signature, body, time.Now().Add(10*time.Minute)),
		"no signature":      genuine(secret, "", body, time.Now()),
	} {
		if ok {
			t.Errorf("%s: the signature counts as genuine", why)
		}
	}
}

// answers is a transport that answers as told, one after another, and then 200.
type answers struct {
	status []int
	header http.Header
	hang   bool
	signed []string // the signature of each request
	at     []time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.signed, a.at = append(a.signed, r.Header.Get(HeaderSignature)), append(a.at, time.Now())
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if a.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	status := http.StatusOK
	if n := len(a.signed); n <= len(a.status) {
		status = a.status[n-1]
	}
	header := a.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func TestN1_AnAnswerSaysWhetherANoticeIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		status   []int
		header   http.Header
		sent     bool
		refused  bool
		attempts int
		wait     time.Duration
	}{
		{status: []int{200}, sent: true, attempts: 1},
		{status: []int{204}, sent: true, attempts: 1},
		{status: []int{500, 502, 200}, sent: true, attempts: 3},
		{status: []int{500, 500, 500, 200}, attempts: 3},
		{status: []int{400}, refused: true, attempts: 1},
		{status: []int{410}, refused: true, attempts: 1},
		{status: []int{422}, refused: true, attempts: 1},
		{status: []int{401}, attempts: 1},
		{status: []int{404}, attempts: 1},
		{status: []int{302}, attempts: 1},
		{status: []int{429}, header: http.Header{"Retry-After": {"90"}}, attempts: 1, wait: 90 * time.Second},
		{status: []int{503}, header: http.Header{"Retry-After": {"864000"}}, attempts: 1, wait: time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := NewClient(Receiver{Name: "webhook", Format: JSON, URL: "http://receiver/hook"}, &answers{status: test.status, header: test.header})
			a := c.Send(t.Context(), "e1/first", "{}")
			if a.Sent != test.sent || a.Refused != test.refused || a.Attempts != test.attempts || a.Wait != test.wait || (a.Reason == "") != a.Sent {
				t.Errorf("%v: got %+v", test.status, a)
			}
		})
	}
}

func TestN1_AReceiverThatHangsIsGivenUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := NewClient(Receiver{Name: "webhook", Format: JSON, URL: "http://receiver/hook"}, &answers{hang: true})
		a := c.Send(t.Context(), "e1/first", "{}")
		if took := time.Since(began); a.Sent || a.Refused || a.Attempts != 3 || took > 35*time.Second {
			t.Errorf("got %+v after %s", a, took)
		}
	})
}

func TestN1_EachTryIsSignedWithItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &answers{status: []int{500, 500}}
		c := NewClient(Receiver{Name: "webhook", Format: JSON, URL: "http://receiver/hook", Secret: "s"}, transport)
		if a := c.Send(t.Context(), "e1/first", "{}"); !a.Sent {
			t.Fatalf("got %+v", a)
		}
		if first, last := transport.at[0], transport.at[2]; first.Unix() == last.Unix() {
			t.Fatalf("the tries are of the same second, %s", first)
		}
		for i, got := range transport.signed {
			if want := Sign("s", "{}", transport.at[i]); got != want {
				t.Errorf("try %d has %s, want %s", i+1, got, want)
			}
		}
	})
}

func TestN1_ARedirectToAnotherHostIsNotFollowed(t *testing.T) {
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	var moved []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/hook", http.StatusTemporaryRedirect)
		case "/get":
			http.Redirect(w, r, "/moved", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/moved", http.StatusPermanentRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		default:
			moved, _ = io.ReadAll(r.Body)
		}
	}))
	defer server.Close()
	send := func(path string) Answer {
		c := NewClient(Receiver{Name: "webhook", Format: JSON, URL: server.URL + path}, nil)
		defer c.Close()
		return c.Send(t.Context(), "e1/first", `{"version":1}`)
	}
	for _, path := range []string{"/away", "/get", "/loop"} {
		if a := send(path); a.Sent || !strings.Contains(a.Reason, "a redirect that is not followed") {
			t.Errorf("%s: got %+v", path, a)
		}
	}
	if elsewhere != 0 {
		t.Errorf("another host got the notice %d times", elsewhere)
	}
	if a := send("/here"); !a.Sent || string(moved) != `{"version":1}` {
		t.Errorf("on the same host: got %+v, and the body %s", a, moved)
	}
}

func TestN1_NoErrorShowsAURLOrASecret(t *testing.T) {
	const secrets = "user:pass T0001 B0002 xyzzy plugh the-secret"
	hidden := func(text string) {
		t.Helper()
		for secret := range strings.FieldsSeq(strings.ReplaceAll(secrets, ":", " ")) {
			if strings.Contains(text, secret) {
				t.Errorf("%q shows %q", text, secret)
			}
		}
	}
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "no such hook: %s?%s with the-secret\n", r.URL.Path, r.URL.RawQuery)
	}))
	defer echo.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, host := range []string{echo.URL, closed.URL} {
		r := Receiver{Name: "slack", Format: Slack, Secret: "the-secret", URL: strings.Replace(host, "://", "://user:pass@", 1) + "/services/T0001/B0002/xyzzy?token=plugh"}
		hidden(fmt.Sprintf("%v %+v %#v", r, r, r))
		if err := Check([]Receiver{r}); err != nil {
			t.Error(err)
		}
		c := NewClient(r, nil)
		a := c.Send(t.Context(), "e1/first", "{}")
		c.Close()
		if a.Sent || a.Reason == "" {
			t.Errorf("got %+v", a)
		}
		hidden(a.Reason)
	}
	bad := []Receiver{
		{Name: "a", Format: JSON, URL: "https://user:pass@host\x7f/xyzzy"}, {Name: "a", Format: "fax", URL: "ftp://plugh"}, {Name: "A b", Format: JSON, URL: "http://h"},
	}
	err := Check(bad)
	if err == nil {
		t.Fatal("bad receivers were taken")
	}
	hidden(err.Error())
	for _, want := range []string{`receiver "a": its URL is not an http or https URL`, `receiver "a": another one has this name`, `format "fax"`, `receiver "A b": give it a name`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestN1_AnAnswerIsReadOnlyInPart(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		for range 1000 {
			if _, err := w.Write([]byte(strings.Repeat("x", 64<<10))); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	c := NewClient(Receiver{Name: "webhook", Format: JSON, URL: server.URL}, nil)
	defer c.Close()
	if a := c.Send(t.Context(), "e1/first", "{}"); !a.Refused || len(a.Reason) > 300 {
		t.Errorf("got %d bytes: %+v", len(a.Reason), a)
	}
}

// A reason that is cut inside a character would be refused by the ledger, and the
// notice would have no result.
func TestALongReasonIsCutBetweenCharacters(t *testing.T) {
	c := NewClient(Receiver{Name: "ops", URL: "http://localhost"}, nil)
	for pad := range 3 {
		reason := c.withoutURL(errors.New(strings.Repeat("x", pad) + strings.Repeat("é", 200)))
		if !utf8.ValidString(reason) || len(reason) < mostReason-1 || len(reason) > mostReason {
			t.Errorf("%d bytes: %q", len(reason), reason)
		}
	}
}
