package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"clickstream/ingest/eventid"
	"clickstream/internal/event"
)

// answer is the body of a 200.
type answer struct {
	Accepted int             `json:"accepted"`
	Rejected []rejectedEvent `json:"rejected"`
}

type rejectedEvent struct {
	Index   int          `json:"index"`
	Reason  event.Reason `json:"reason"`
	Field   string       `json:"field"`
	Message string       `json:"message"`
}

// body reads a request's body, unpacked.
func (c *Collector) body(w http.ResponseWriter, r *http.Request, held *claim) ([]byte, *refusal) {
	// A page elsewhere can send text/plain or a form without asking, but not
	// JSON: the type keeps it from writing through its visitor's browser.
	if sent := r.Header.Get("Content-Type"); sent != "" {
		switch kind, _, _ := mime.ParseMediaType(sent); kind {
		case "application/json", "application/x-ndjson", "application/jsonl":
		default:
			return nil, &refusal{http.StatusUnsupportedMediaType, "send application/json or application/x-ndjson"}
		}
	} else if r.Header.Get("Origin") != "" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "give the content type, application/json or application/x-ndjson"}
	}
	var src io.Reader = http.MaxBytesReader(w, r.Body, c.cfg.MaxBody)
	most := c.cfg.MaxBody
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		if refused := held.grow(gzipOverhead); refused != nil {
			return nil, refused
		}
		z, err := gzip.NewReader(src)
		if err != nil {
			return nil, &refusal{http.StatusBadRequest, "the body is not gzip"}
		}
		// One byte more than allowed tells a body that is too long.
		src = io.LimitReader(z, c.cfg.MaxUnpacked+1)
		most = c.cfg.MaxUnpacked
	default:
		return nil, &refusal{http.StatusUnsupportedMediaType, "send the body plain or with gzip"}
	}
	body, refused, err := readAll(src, most+1, held)
	if refused != nil {
		return nil, refused
	}
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes: send fewer events at once", c.cfg.MaxBody)}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the body could not be read to its end"}
	}
	if r.Header.Get("Content-Encoding") == "gzip" && int64(len(body)) > c.cfg.MaxUnpacked {
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes unpacked: send fewer events at once", c.cfg.MaxUnpacked)}
	}
	return body, nil
}

// What a request holds besides its body.
const (
	gzipOverhead  = 48 << 10 // for unpacking
	eventOverhead = 512      // for an event's place and, if it is rejected, its answer
)

// readAll reads src, of at most so many bytes, and takes each growth of the
// buffer from the claim before it is made.
func readAll(src io.Reader, most int64, held *claim) (body []byte, refused *refusal, err error) {
	for {
		if len(body) == cap(body) {
			larger := max(4<<10, min(2*int64(cap(body)), most+1))
			if refused := held.grow(larger); refused != nil {
				return nil, refused, nil
			}
			old := int64(cap(body))
			body = append(make([]byte, 0, larger), body...)
			held.grow(-old)
		}
		n, err := src.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, nil, nil
		}
		if err != nil {
			return body, nil, err
		}
	}
}

// split finds the events in a body, without looking into them. A body that is
// no list of anything is refused as a whole.
func split(body []byte, limit int) ([][]byte, *refusal) {
	body = bytes.TrimSpace(body)
	var texts [][]byte
	switch {
	case len(body) == 0:
		return nil, &refusal{http.StatusBadRequest, "the body is empty: send one event, an array of events or one a line"}
	case body[0] == '[':
		var ok bool
		if texts, ok = elements(body, limit); !ok {
			return nil, &refusal{http.StatusBadRequest, "the body begins with [ but is not a JSON array"}
		}
	case extent(body) == len(body):
		texts = [][]byte{body}
	default:
		for line := range bytes.SplitSeq(body, []byte{'\n'}) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				texts = append(texts, line)
			}
			if len(texts) > limit {
				break
			}
		}
	}
	if len(texts) > limit {
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d events at once: send fewer", limit)}
	}
	return texts, nil
}

// elements returns the texts of an array's elements, or one more than the
// limit of them.
func elements(array []byte, limit int) (texts [][]byte, ok bool) {
	rest := bytes.TrimLeft(array[1:], " \t\r\n")
	if len(rest) > 0 && rest[0] == ']' {
		return nil, len(rest) == 1
	}
	for {
		n := extent(rest)
		if n == 0 {
			return nil, false
		}
		if texts = append(texts, bytes.TrimSpace(rest[:n])); len(texts) > limit {
			return texts, true
		}
		rest = bytes.TrimLeft(rest[n:], " \t\r\n")
		switch {
		case len(rest) == 0:
			return nil, false
		case rest[0] == ',':
			rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		case rest[0] == ']':
			return texts, len(rest) == 1
		default:
			return nil, false
		}
	}
}

// extent is how far the JSON value reaches that text begins with, going by
// brackets and quotes alone; 0 if it does not end, or none begins.
func extent(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if quoted {
			switch c {
			case '\\':
				i++
			case '"':
				if quoted = false; depth == 0 {
					return i + 1
				}
			}
			continue
		}
		switch c {
		case '"':
			quoted = true
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of what the value stands in
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return 0
}

// take appends a request's events, and the bad ones to the rejected topic, and
// waits for them. With an error some may be on the log.
func (c *Collector) take(ctx context.Context, key string, texts [][]byte) (answer, error) {
	t := taking{
		Collector: c, key: key, id: uuid.NewString(), received: event.MillisOf(time.Now()),
		batch: c.producer.Load().requestBatch(), decoder: event.Decoder{Lenient: true},
		answer: answer{Rejected: []rejectedEvent{}},
	}
	for i, text := range texts {
		if err := t.event(ctx, i, text); err != nil {
			return t.answer, errors.Join(err, t.batch.Wait(ctx))
		}
	}
	err := t.batch.settle(ctx, func(from place, bad event.Rejection) error {
		t.answer.Accepted--
		return t.reject(ctx, int(from.index), texts[from.index], bad)
	})
	slices.SortFunc(t.answer.Rejected, func(a, b rejectedEvent) int { return a.Index - b.Index })
	return t.answer, err
}

// taking is a request's events on their way.
type taking struct {
	*Collector
	key      string
	id       string // of the request: two requests are never the same
	received event.Millis
	batch    *Batch
	decoder  event.Decoder
	answer   answer
}

// event appends the event at index, or rejects it.
func (t *taking) event(ctx context.Context, index int, text []byte) error {
	var e event.Event
	err := decode(&t.decoder, text, t.received, t.key, index, &e)
	if err == nil {
		err = t.checkAge(e.Timestamp)
	}
	if err == nil {
		// A write key says where an event comes from; without keys the
		// client does.
		if len(t.keys) > 0 || e.Source == "" {
			e.Source = t.key
		}
		err = t.batch.append(ctx, &e, place{index: int64(index)})
	}
	if bad, ok := errors.AsType[*event.Rejection](err); ok {
		return t.reject(ctx, index, text, *bad)
	}
	if err == nil {
		t.answer.Accepted++
	}
	return err
}

// checkAge is for events alone that come as they happen: files and inbound
// records may be of any age.
func (t *taking) checkAge(at event.Millis) error {
	if (t.received - at).Duration() <= t.cfg.MaxAge {
		return nil
	}
	return &event.Rejection{Reason: event.ReasonTooOld, Field: "timestamp",
		Message: fmt.Sprintf("%s is more than %g hours before the event was received, %s",
			at.Time().Format(time.RFC3339), t.cfg.MaxAge.Hours(), t.received.Time().Format(time.RFC3339))}
}

func (t *taking) reject(ctx context.Context, index int, text []byte, bad event.Rejection) error {
	t.answer.Rejected = append(t.answer.Rejected, rejectedEvent{index, bad.Reason, bad.Field, bad.Message})
	return t.batch.Reject(ctx, event.Rejected{
		Value: text, Rejection: bad,
		Origin: event.Origin{Kind: event.OriginCollector, Name: t.key, Request: t.id, Position: int64(index)},
	})
}

// decode reads one event of a request and gives it what it lacks.
func decode(d *event.Decoder, text []byte, received event.Millis, key string, index int, e *event.Event) error {
	err := d.Decode(text, e)
	hadTime := err == nil
	if bad, ok := errors.AsType[*event.Rejection](err); ok && bad.Reason == event.ReasonMissingField && bad.Field == "timestamp" {
		if with := withTimestamp(text, received); with != nil && d.Decode(with, e) == nil {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	if e.ID == "" {
		if hadTime {
			e.ID = eventid.OfRequest(key, index, e)
		} else {
			e.ID = uuid.NewString()
		}
	}
	return nil
}

// withTimestamp puts the time of receipt into an event's text.
func withTimestamp(text []byte, received event.Millis) []byte {
	rest := bytes.TrimSpace(text)[1:]
	if after := bytes.TrimSpace(rest); len(after) == 0 || after[0] == '}' {
		return nil // an empty object is no event
	}
	return fmt.Appendf(nil, `{"timestamp":"%s",%s`, received, rest)
}
