package formats

import (
	"encoding/json"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// native is our own format: each line one event as JSON, read leniently.
// Fields that we do not know are kept in the event's properties.
var native = input.Format{
	Name:    "native",
	Expects: "JSON lines, each an object with event_type and timestamp",
	Matches: func(head [][]byte) bool {
		for _, line := range head {
			var fields map[string]json.RawMessage
			if json.Unmarshal(line, &fields) == nil && fields["event_type"] != nil && fields["timestamp"] != nil {
				return true
			}
		}
		return false
	},
	Open: func(_ *input.Lines, ids *eventid.Rows) (input.Rows, error) {
		return &nativeRows{decoder: event.Decoder{Lenient: true}, ids: ids}, nil
	},
}

type nativeRows struct {
	decoder event.Decoder
	content eventid.Content
	ids     *eventid.Rows
	id      []byte
}

func (r *nativeRows) Next(in *input.Lines, e *event.Event) error {
	line, err := in.Next()
	if err != nil {
		return err
	}
	if err := r.decoder.Decode(line, e); err != nil {
		return err
	}
	if e.ID == "" {
		r.content.Row()
		r.content.Event(e)
		if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
			return err
		}
		e.ID = parse.Text(r.id)
	}
	return nil
}
