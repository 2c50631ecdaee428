package formats

import (
	"bytes"
	"strings"
	"testing"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// The format that docs/contributing.md adds as its example.

// tabs is a line per event: time, type, product and session, with tabs between.
var tabs = input.Format{
	Name:    "tabs",
	Expects: "lines of time, type, product and session with tabs between",
	Matches: func(head [][]byte) bool { return bytes.Count(head[0], []byte("\t")) == 3 },
	Open:    func(_ *input.Lines, ids *eventid.Rows) (input.Rows, error) { return &tabRows{ids: ids}, nil },
}

type tabRows struct {
	content eventid.Content
	ids     *eventid.Rows
	id      []byte
}

func (r *tabRows) Next(in *input.Lines, e *event.Event) error {
	line, err := in.Next()
	if err != nil {
		return err
	}
	fields := strings.Split(string(line), "\t")
	if len(fields) != 4 {
		return parse.Rejected(event.ReasonBadRow, "", "a row has 4 fields, this one has %d", len(fields))
	}
	at, ok := event.ParseTime(fields[0], true)
	if !ok {
		return parse.Rejected(event.ReasonBadTime, "timestamp", "%q is not a time", parse.Clip([]byte(fields[0]), 128))
	}
	*e = event.Event{Timestamp: at, Type: fields[1], ProductID: fields[2], SessionID: fields[3], Quantity: 1}
	// The same row of the same file has the same id whenever it is read (I4).
	r.content.Row()
	r.content.Event(e)
	if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
		return err
	}
	e.ID = parse.Text(r.id)
	return nil
}

func TestAFormatOfOnesOwnIsFoundAndRead(t *testing.T) {
	before := known
	known = append([]input.Format{tabs}, known...)
	t.Cleanup(func() { known = before })
	file := "2026-11-22T10:04:05Z\tview\tp1\ts1\n2026-11-22T10:04:05Z\tview\tp1\ts1\nyesterday\tview\tp1\ts1\nview\n"
	rows := readAll(t, strings.NewReader(file), Auto)
	if len(rows) != 4 || rows[2].reason != event.ReasonBadTime || rows[3].reason != event.ReasonBadRow {
		t.Fatalf("got %+v", rows)
	}
	if !strings.Contains(rows[0].event, `"event_type":"view"`) || rows[0].event == rows[1].event {
		t.Errorf("two equal rows are two events with two ids: %s and %s", rows[0].event, rows[1].event)
	}
}
