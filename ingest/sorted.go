package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"clickstream/ingest/files"
	"clickstream/ingest/formats"
	"clickstream/ingest/sorting"
	"clickstream/internal/event"
)

// appendSorted reads all files, and appends their events in the order of time.
// Rows that are no events are rejected on the way.
func (im *Import) appendSorted(ctx, sending context.Context) error {
	s, err := sorting.New(sorting.Config{MaxBytes: im.opts.SortBytes, TempDir: im.opts.TempDir})
	if err != nil {
		return err
	}
	defer s.Close()
	im.pass(Sorting, im.surveyed.Read())
	if err := im.sortFiles(ctx, sending, s); err != nil {
		return err
	}
	im.show(true)
	sorted, err := s.Sorted()
	if err != nil {
		return err
	}
	im.pass(Appending, s.Records())
	for {
		if err := im.pauseAndSettle(ctx, sending); err != nil {
			return err
		}
		_, record, err := sorted.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = im.appendRecord(sending, record)
		}
		if err != nil {
			return err
		}
		im.read++
	}
}

// sortFiles gives each event to s as it will be on the log, after its place: the
// number of its file, its line and the length of its key, each an unsigned
// varint.
func (im *Import) sortFiles(ctx, sending context.Context, s *sorting.Sorter) error {
	var record, encoded []byte
	number := make(map[string]int)
	for i, in := range im.inputs {
		number[in.Name] = i
	}
	return im.readFiles(ctx, sending, func(e *event.Event, row place) error {
		var key int
		var err error
		if encoded, key, err = encode(encoded[:0], e, event.MillisOf(time.Now())); err != nil {
			return err
		}
		record = binary.AppendUvarint(record[:0], uint64(number[row.file]))
		record = binary.AppendUvarint(record, uint64(row.index))
		record = binary.AppendUvarint(record, uint64(key))
		return s.Add(ctx, e.Timestamp, append(record, encoded...))
	})
}

// appendRecord appends a record of sortFiles. The row's own bytes are not in it:
// readAgain finds them.
func (im *Import) appendRecord(ctx context.Context, record []byte) error {
	var head [3]uint64
	for i := range head {
		n, size := binary.Uvarint(record)
		if size <= 0 {
			return fmt.Errorf("a sorted record of %d bytes cannot be read", len(record))
		}
		head[i], record = n, record[size:]
	}
	row := place{file: im.inputs[head[0]].Name, index: int64(head[1])}
	return im.batch.appendEncoded(ctx, record, int(head[2]), row)
}

// readAgain returns the bytes of a row that has been sorted. It reads its file up
// to there, which is slow, and needed only for an event that is valid and that
// the broker refuses all the same.
func (im *Import) readAgain(row place) ([]byte, error) {
	i := slices.IndexFunc(im.inputs, func(in files.Input) bool { return in.Name == row.file })
	r, err := im.open(im.inputs[i], formats.Options{WithoutIDs: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var e event.Event
	for {
		err := r.Next(&e)
		if _, ok := errors.AsType[*event.Rejection](err); err != nil && !ok {
			return nil, fmt.Errorf("%s: find line %d again: %w", row.file, row.index, err)
		}
		if line, raw := r.Row(); line == row.index {
			return bytes.Clone(raw), nil
		}
	}
}
