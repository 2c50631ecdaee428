package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

// startCollector serves until the test's end and returns the address.
func startCollector(t *testing.T, cfg CollectorConfig) (*Collector, string) {
	t.Helper()
	c, err := NewCollector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	testwait.Run(t, c.Run)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return c, "http://" + c.Addr()
}

func post(t *testing.T, address, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	status, header, text, err := tryPost(testwait.Context(t), address, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return status, header, text
}

// tryPost is post for other goroutines than the test's, which may not end it.
func tryPost(ctx context.Context, address, body string, headers ...string) (int, http.Header, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/v1/events", strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, strings.TrimSpace(string(text)), err
}

// happened is a time that the collector takes.
var happened = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)

var (
	goodEvent = `{"event_id":"c1","event_type":"view","timestamp":"` + happened + `","user_id":"u1","product_id":"p1"}`
	badEvent  = `{"event_id":"c2","event_type":"view","timestamp":"` + happened + `","user_id":"u1"}`
	noID      = `{"event_type":"page","timestamp":"` + happened + `","user_id":"u1"}`
	noTime    = ` { "event_type":"page", "user_id":"u1", "theme":"dark"}`
)

func TestI2_BadEventsRefuseNoOthers(t *testing.T) {
	cfg, p := newPipeline(t)
	c, address := startCollector(t, CollectorConfig{Producer: p})
	body := "[" + goodEvent + ",\n" + badEvent + ", 17, " + noID + "," + noTime + " ]"
	status, _, text := post(t, address, body)
	want := `{"accepted":3,"rejected":[` +
		`{"index":1,"reason":"missing_field","field":"product_id","message":"an event of type view needs a product"},` +
		`{"index":2,"reason":"bad_json","field":"","message":"an event is one JSON object (at byte 1)"}]}`
	if status != 200 || text != want {
		t.Errorf("%d %s\nwant 200 %s", status, text, want)
	}
	for _, e := range brokertest.Events(t, cfg) {
		if e.Source != "anonymous" {
			t.Errorf("%+v has another source", e)
		}
		if e.ID == "" || e.Properties != "" && (e.Properties != `{"theme":"dark"}` || time.Since(e.Timestamp.Time()) > time.Minute) {
			t.Errorf("%+v is not as sent", e)
		}
	}
	var rejected []string
	for _, l := range brokertest.Rejected(t, cfg) {
		rejected = append(rejected, fmt.Sprintf("%s %s %d %s", l.Kind, l.Name, l.Position, l.Value))
	}
	slices.Sort(rejected)
	if want := []string{"collector anonymous 1 " + badEvent, "collector anonymous 2 17"}; !slices.Equal(rejected, want) {
		t.Errorf("rejected are %q, want %q", rejected, want)
	}
	if got, want := c.Stats(), (CollectorStats{Requests: 1, Accepted: 3, Rejected: 2}); got != want {
		t.Errorf("stats are %+v, want %+v", got, want)
	}
}

func TestOldEventsAreRejectedOverHTTP(t *testing.T) {
	at := func(ago time.Duration) string {
		return strings.Replace(goodEvent, happened, time.Now().Add(-ago).UTC().Format(time.RFC3339), 1)
	}
	const day = 24 * time.Hour
	for _, tt := range []struct {
		maxAge, age time.Duration
		answer      string
	}{
		{0, 30*day - time.Minute, `{"accepted":1,"rejected":[]}`},
		{0, 30*day + time.Minute, `{"accepted":0,"rejected":[{"index":0,"reason":"too_old","field":"timestamp","message":"`},
		{day, 25 * time.Hour, `is more than 24 hours before the event was received`},
		{400 * day, 399 * day, `{"accepted":1,"rejected":[]}`},
	} {
		cl, p := newPipeline(t)
		_, address := startCollector(t, CollectorConfig{Producer: p, MaxAge: tt.maxAge})
		status, _, text := post(t, address, at(tt.age))
		if status != 200 || !strings.Contains(text, tt.answer) {
			t.Errorf("an event of %s where at most %s is taken: %d %s, want %s", tt.age, tt.maxAge, status, text, tt.answer)
		}
		wantRejected := 1
		if strings.Contains(text, `"accepted":1`) {
			wantRejected = 0
		}
		if rejected := brokertest.Rejected(t, cl); len(rejected) != wantRejected {
			t.Errorf("an event of %s: %d rejected records, want %d", tt.age, len(rejected), wantRejected)
		}
	}
}

func TestBodiesInEveryForm(t *testing.T) {
	_, p := newPipeline(t)
	_, address := startCollector(t, CollectorConfig{Producer: p, MaxBody: 3000, MaxUnpacked: 20_000, MaxBatch: 20})
	zip := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, s)
		z.Close()
		return b.String()
	}
	for _, tt := range []struct {
		what, body string
		headers    []string
		status     int
		answer     string
	}{
		{"one object", strings.ReplaceAll(goodEvent, ",", ",\n"), nil, 200, `{"accepted":1,"rejected":[]}`},
		{"an empty array", " [ ] ", nil, 200, `{"accepted":0,"rejected":[]}`},
		{"lines", goodEvent + "\r\n\n" + noID + "\n", []string{"Content-Type", "application/x-ndjson"}, 200, `{"accepted":2,"rejected":[]}`},
		{"lines with a broken one", goodEvent + "\n{\"a\":\n" + noID, nil, 200, `{"accepted":2,"rejected":[{"index":1,`},
		{"gzip", zip(goodEvent), []string{"Content-Encoding", "gzip"}, 200, `{"accepted":1,`},
		{"gzip that is none", goodEvent, []string{"Content-Encoding", "gzip"}, 400, "not gzip"},
		{"gzip cut off", zip(goodEvent)[:60], []string{"Content-Encoding", "gzip"}, 400, "read to its end"},
		{"a gzip bomb", zip(strings.Repeat(" ", 100_000)), []string{"Content-Encoding", "gzip"}, 413, "unpacked"},
		{"too much", strings.Repeat(" ", 4000) + goodEvent, nil, 413, "3000 bytes"},
		{"too many", "[" + strings.Repeat("1,", 20) + "1]", nil, 413, "more than 20 events at once"},
		{"nothing", " \n", nil, 400, "empty"},
		{"half an array", "[" + goodEvent, nil, 400, "array"},
		{"an array and more", "[" + goodEvent + "] x", nil, 400, "array"},
		{"a simple request of another page", goodEvent, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"an unknown packing", goodEvent, []string{"Content-Encoding", "br"}, 415, "gzip"},
	} {
		status, _, text := post(t, address, tt.body, tt.headers...)
		if status != tt.status || !strings.Contains(text, tt.answer) || !json.Valid([]byte(text)) {
			t.Errorf("%s: %d %s\nwant %d %s", tt.what, status, text, tt.status, tt.answer)
		}
	}
}

func TestI1_ARepeatedRequestAddsNoIdentity(t *testing.T) {
	cfg, p := newPipeline(t)
	_, address := startCollector(t, CollectorConfig{Producer: p})
	body := "[" + noID + "," + noID + "," + goodEvent + "]"
	for range 2 {
		if status, _, text := post(t, address, body); status != 200 {
			t.Fatal(status, text)
		}
	}
	events := brokertest.Events(t, cfg)
	if ids := identities(events); len(events) != 6 || len(ids) != 3 {
		t.Errorf("%d events with %d identities, want 6 with 3", len(events), len(ids))
	}
}

func TestWriteKeys(t *testing.T) {
	cfg, p := newPipeline(t)
	_, address := startCollector(t, CollectorConfig{Producer: p, WriteKeys: map[string]string{"shop": "s3cret", "app": "other"}})
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth("other", "")
	for _, tt := range []struct {
		what    string
		headers []string
		status  int
	}{
		{"none", nil, 401},
		{"a wrong one", []string{"X-Write-Key", "s3cret2"}, 401},
		{"a name for a secret", []string{"X-Write-Key", "shop"}, 401},
		{"the header", []string{"X-Write-Key", "s3cret"}, 200},
		{"the basic-auth user", []string{"Authorization", req.Header.Get("Authorization")}, 200},
	} {
		if status, _, text := post(t, address, goodEvent, tt.headers...); status != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.what, status, text, tt.status)
		}
	}
	var sources []string
	for _, e := range brokertest.Events(t, cfg) {
		sources = append(sources, e.Source)
	}
	if want := []string{"shop", "app"}; !slices.Equal(sources, want) {
		t.Errorf("sources are %q, want %q", sources, want)
	}
}

func TestI1_NoAnswerOf200WithoutTheBroker(t *testing.T) {
	dir := t.TempDir()
	b, settings := brokertest.Start(t, dir)
	cfg := brokertest.OpenAt(t, settings)
	p := testProducer(t, cfg)
	c, address := startCollector(t, CollectorConfig{Producer: p, AckTimeout: 300 * time.Millisecond})
	send := func(i int) int {
		body := fmt.Sprintf(`[{"event_id":"n%d","event_type":"page","timestamp":%q,"user_id":"u%d"},{"event_type":"?"}]`, i, happened, i)
		status, header, text := post(t, address, body)
		if status == 503 && header.Get("Retry-After") == "" {
			t.Errorf("503 without Retry-After: %s", text)
		}
		return status
	}
	taken := make(map[string]bool)
	note := func(i, status int) {
		if status == 200 {
			taken[fmt.Sprintf("n%d", i)] = true
		} else if status != 503 {
			t.Errorf("request %d is answered with %d", i, status)
		}
	}
	note(0, send(0))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 4; i++ {
		status := send(i)
		note(i, status)
		if status != 503 {
			t.Errorf("without a broker the answer is %d", status)
		}
	}
	if c.Stats().Unavailable != 3 {
		t.Errorf("stats are %+v", c.Stats())
	}
	brokertest.StartAt(t, dir, b.Addr())
	i := 4
	testwait.Until(t, "the broker accepts again", func() bool {
		status := send(i)
		note(i, status)
		i++
		return status == 200
	})
	on := make(map[string]bool)
	for _, e := range brokertest.Events(t, cfg) {
		on[e.ID] = true
	}
	for id := range taken {
		if !on[id] {
			t.Errorf("%s was answered with 200 and is not on the log", id)
		}
	}
	if len(taken) < 2 {
		t.Errorf("taken are %v", taken)
	}
}

func TestI3_TooManyRequestsAtOnceAreTurnedAway(t *testing.T) {
	_, p := newPipeline(t)
	c, address := startCollector(t, CollectorConfig{Producer: p, MaxRequests: 1})
	c.slots <- struct{}{} // as if one were worked on
	status, header, _ := post(t, address, goodEvent)
	if status != 429 || header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", status, header.Get("Retry-After"))
	}
	<-c.slots
	if status, _, text := post(t, address, goodEvent); status != 200 {
		t.Errorf("the next request is answered with %d %s", status, text)
	}
}

func TestCollectorTellsItIsThere(t *testing.T) {
	_, p := newPipeline(t)
	_, address := startCollector(t, CollectorConfig{Producer: p})
	resp, err := http.Get(address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
	_, err = NewCollector(CollectorConfig{WriteKeys: map[string]string{"": "x"}, MaxBody: -1})
	for _, want := range []string{"no producer", "limits are not negative", "write key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

// Whatever is sent is split into texts of the body, in order.
func FuzzRequestBody(f *testing.F) {
	for _, s := range []string{goodEvent, "[" + goodEvent + "," + badEvent + "]", goodEvent + "\n" + noTime, "[]", "[[1],{\"a\":\"]\"}]", `["\"]`, "}{"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		texts, _ := split(body, 100)
		rest := body
		for i, text := range texts {
			_, after, found := bytes.Cut(rest, text)
			if !found {
				t.Fatalf("%q is not in the rest of %q", text, body)
			}
			rest = after
			var e event.Event
			var d event.Decoder
			if decode(&d, text, 1795341845123, "k", i, &e) == nil && e.ID == "" {
				t.Fatalf("%q has no id", text)
			}
		}
		var whole []json.RawMessage
		if json.Unmarshal(body, &whole) == nil && len(whole) > 0 && len(whole) <= 100 && len(texts) != len(whole) {
			t.Fatalf("%q has %d elements, %d are found", body, len(whole), len(texts))
		}
	})
}
