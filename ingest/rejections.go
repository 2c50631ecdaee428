package ingest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"clickstream/internal/event"
)

// firstRejected is how many rejected rows of each reason are kept as examples.
const firstRejected = 3

// exampleSize is how many bytes of a rejected row are kept for its example.
const exampleSize = 256

// Rejections counts rejected rows by reason.
type Rejections map[event.Reason]*RejectedRows

// RejectedRows are the rows that were rejected for one reason.
type RejectedRows struct {
	Count int64
	First []RejectedRow // the first three that were read
}

// RejectedRow is a row that broke a rule.
type RejectedRow struct {
	File    string
	Line    int64 // from 1
	Field   string
	Message string
	Row     []byte // its first 256 bytes
}

// add counts a row. Its bytes are copied where they are kept.
func (r Rejections) add(bad event.Rejection, file string, line int64, row []byte) {
	rows := r[bad.Reason]
	if rows == nil {
		rows = &RejectedRows{}
		r[bad.Reason] = rows
	}
	rows.Count++
	if len(rows.First) < firstRejected {
		rows.First = append(rows.First, RejectedRow{
			File: file, Line: line, Field: bad.Field, Message: bad.Message,
			Row: bytes.Clone(row[:min(len(row), exampleSize)]),
		})
	}
}

// Total is the number of all.
func (r Rejections) Total() (n int64) {
	for _, rows := range r {
		n += rows.Count
	}
	return n
}

// Reasons are the reasons that there were, the most frequent first.
func (r Rejections) Reasons() []event.Reason {
	return slices.SortedFunc(maps.Keys(r), func(a, b event.Reason) int {
		return cmp.Or(cmp.Compare(r[b].Count, r[a].Count), cmp.Compare(a, b))
	})
}
