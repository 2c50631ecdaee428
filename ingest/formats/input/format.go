package input

import (
	"clickstream/ingest/eventid"
	"clickstream/internal/event"
)

// Format is one format of files, with its name.
type Format struct {
	Name    string
	Expects string // what a file of this format looks like, for people
	// Matches tests the first lines; the last of them may be cut off.
	Matches func(head [][]byte) bool
	// Open reads what comes before the first row. ids are the file's, for rows
	// without one.
	Open func(in *Lines, ids *eventid.Rows) (Rows, error)
}

// Rows is one format's way to read events from lines.
type Rows interface {
	// Next reads the next event into e, which stays as it is until the next
	// call. It returns a *event.Rejection for a bad row, io.EOF at the end and
	// anything else when the reading itself failed.
	Next(in *Lines, e *event.Event) error
}
