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
func (c *Collector) body(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
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
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(src)
		if err != nil {
			return nil, &refusal{http.StatusBadRequest, "the body is not gzip"}
		}
		// One byte more than allowed tells a body that is too long.
		src = io.LimitReader(z, c.cfg.MaxUnpacked+1)
	default:
		return nil, &refusal{http.StatusUnsupportedMediaType, "send the body plain or with gzip"}
	}
	body, err := io.ReadAll(src)
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
		if texts, ok = elements(body); !ok {
			return nil, &refusal{http.StatusBadRequest, "the body begins like a JSON array and is none"}
		}
	case extent(body) == len(body):
		texts = [][]byte{body}
	default:
		for line := range bytes.SplitSeq(body, []byte{'\n'}) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				texts = append(texts, line)
			}
		}
	}
	if len(texts) > limit {
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("%d events at once, at most %d are taken", len(texts), limit)}
	}
	return texts, nil
}

// elements returns the texts of an array's elements.
func elements(array []byte) (texts [][]byte, ok bool) {
	rest := bytes.TrimLeft(array[1:], " \t\r\n")
	if len(rest) > 0 && rest[0] == ']' {
		return nil, len(rest) == 1
	}
	for {
		n := extent(rest)
		if n == 0 {
			return nil, false
		}
		texts = append(texts, bytes.TrimSpace(rest[:n]))
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
	a := answer{Rejected: []rejectedEvent{}}
	batch := c.cfg.Producer.batchWithoutWaiting()
	d := event.Decoder{Lenient: true}
	received := event.MillisOf(time.Now())
	request := uuid.NewString()
	for i, text := range texts {
		var e event.Event
		err := decode(&d, text, received, key, i, &e)
		if err == nil {
			// A write key says where an event comes from; without keys the
			// client does.
			if len(c.keys) > 0 || e.Source == "" {
				e.Source = key
			}
			err = batch.Append(ctx, &e)
		}
		if bad, ok := errors.AsType[*event.Rejection](err); ok {
			a.Rejected = append(a.Rejected, rejectedEvent{i, bad.Reason, bad.Field, bad.Message})
			err = batch.Reject(ctx, event.Rejected{
				Value: text, Rejection: *bad,
				Origin: event.Origin{Kind: event.OriginCollector, Name: key, Request: request, Position: int64(i)},
			})
		} else if err == nil {
			a.Accepted++
		}
		if err != nil {
			return a, errors.Join(err, batch.Wait(ctx))
		}
	}
	return a, batch.Wait(ctx)
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
