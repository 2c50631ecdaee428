// Package input gives formats the text of a file, in UTF-8: its lines, records of
// CSV that span lines, or the values of a JSON array, each with its line's number,
// and splits lines of CSV into fields. A Format reads events from it.
//
// It promises: every byte of the file belongs to what is handed out, or lies
// between; what is too long is returned as a *event.Rejection, and reading
// continues; memory is bounded by the longest line, MaxLine. What is handed out is
// good until the next call.
package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// Limits of what is read.
const (
	MaxLine  = 1 << 20
	KeepLong = 64 << 10 // of a line longer than that
	MaxHead  = 10       // lines read to find the format
)

// Lines splits a file into lines. Every "\n" ends one, the last needs none; a
// "\r" before it and a byte order mark at the very beginning are no part of
// the line. A file that is a JSON array, or whose objects span lines, is split
// into values instead, which Next hands out as if each were a line.
type Lines struct {
	src        io.Reader
	buf        []byte
	start, end int // what of buf is not handed out yet
	failed     error

	number int64  // of the line handed out last, from 1; of several, the first
	more   int64  // lines that it had beyond that one
	last   []byte // that line

	values bool // JSON values are handed out, not lines
	open   int  // arrays around the next value
}

// New returns the lines of src, which is UTF-8 (Decoded).
func New(src io.Reader) *Lines { return &Lines{src: src, buf: make([]byte, MaxLine+2)} }

// Buffered is what is read of the file and not handed out yet.
func (l *Lines) Buffered() []byte { return l.buf[l.start:l.end] }

// HoldsValues says whether JSON values are handed out, not lines.
func (l *Lines) HoldsValues() bool { return l.values }

// AsLines hands out lines, whatever Head has found.
func (l *Lines) AsLines() { l.values = false }

// Row is the line handed out last: its number, of several lines the first one's,
// and its bytes, which are good until the next call.
func (l *Lines) Row() (number int64, raw []byte) { return l.number, l.last }

// Part says that of the line handed out last only this part is read now.
func (l *Lines) Part(raw []byte) { l.last = raw }

var mark = []byte("\xef\xbb\xbf")

// fill reads more bytes into the buffer and reports whether there were any.
func (l *Lines) fill() bool {
	if l.failed != nil {
		return false
	}
	if l.start > 0 {
		copy(l.buf, l.buf[l.start:l.end])
		l.start, l.end = 0, l.end-l.start
	}
	for range 100 {
		n, err := l.src.Read(l.buf[l.end:])
		l.end += n
		l.failed = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	l.failed = io.ErrNoProgress
	return false
}

// Head returns the first lines that are not empty, without handing them out.
// It skips the byte order mark and finds out whether values are to be read.
func (l *Lines) Head() ([][]byte, error) {
	for whole, n := false, 0; l.end < KeepLong || l.end < MaxLine && !whole; n = l.end {
		if !l.fill() {
			break
		}
		whole = whole || bytes.IndexByte(l.buf[n:l.end], '\n') >= 0
	}
	// What came before an error is read first.
	if l.failed != nil && !errors.Is(l.failed, io.EOF) && l.end == l.start {
		return nil, l.failed
	}
	if l.number == 0 && bytes.HasPrefix(l.buf[l.start:l.end], mark) {
		l.start += len(mark)
	}
	if l.values = spansLines(l.buf[l.start:l.end]); l.values {
		l.more = min(l.number, 1) // the values begin in the line after the skipped ones
		return headValues(l.buf[l.start:l.end]), nil
	}
	var head [][]byte
	for rest := l.buf[l.start:l.end]; len(rest) > 0 && len(head) < MaxHead; {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		if line = bytes.TrimSpace(line); len(line) > 0 {
			head = append(head, line)
		}
		rest = after
	}
	return head, nil
}

// Skip passes over the file's first n lines, empty ones included. It comes before
// Head.
func (l *Lines) Skip(n int) error {
	for range n {
		line, err := l.cut()
		if errors.Is(err, io.EOF) && l.number == 0 {
			return nil // an empty file has nothing to skip
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("skip=%d: the file ends after line %d", n, l.number)
		}
		if err != nil {
			return fmt.Errorf("skip the first lines: %w", err)
		}
		if len(line) > MaxLine {
			return fmt.Errorf("skip=%d: line %d is longer than %d bytes: is it a file of events?", n, l.number, MaxLine)
		}
	}
	return nil
}

// Next hands out the next line that is not empty. Of one that is too long it
// keeps the beginning and returns a *event.Rejection; the error at the end is
// io.EOF.
func (l *Lines) Next() ([]byte, error) {
	if l.values {
		return l.nextValue()
	}
	for {
		line, err := l.cut()
		if err != nil {
			return nil, err
		}
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		l.last = line
		if len(line) > MaxLine {
			return nil, l.passOver()
		}
		if len(line) > 0 {
			return line, nil
		}
	}
}

// cut returns the next line, or more than maxLine bytes of it.
func (l *Lines) cut() ([]byte, error) {
	l.number, l.more = l.number+l.more, 0
	scanned := 0
	for {
		rest := l.buf[l.start:l.end]
		if i := bytes.IndexByte(rest[scanned:], '\n'); i >= 0 {
			l.start += scanned + i + 1
			l.number++
			return rest[:scanned+i], nil
		}
		scanned = len(rest)
		if scanned == len(l.buf) {
			break
		}
		if !l.fill() {
			if !errors.Is(l.failed, io.EOF) {
				return nil, l.failed
			}
			break
		}
	}
	rest := l.buf[l.start:l.end]
	if len(rest) == 0 {
		return nil, io.EOF
	}
	l.start = l.end
	l.number++
	return rest, nil
}

// passOver passes over the rest of a line that is too long.
func (l *Lines) passOver() error {
	l.last = bytes.Clone(l.last[:KeepLong])
	// The line's end may have been found just past the limit.
	if l.start == 0 || l.buf[l.start-1] != '\n' {
		for {
			if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i >= 0 {
				l.start += i + 1
				break
			}
			l.start = l.end
			if !l.fill() {
				break
			}
		}
	}
	return tooLong()
}

func tooLong() error {
	return parse.Rejected(event.ReasonTooLong, "", "the line has more than %d bytes; the first %d are kept", MaxLine, KeepLong)
}
