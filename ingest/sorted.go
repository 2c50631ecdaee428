package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

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
	sorted, err := s.Sorted(ctx)
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

// sortFiles gives each event to s as it will be on the log, after its place (the
// number of its file, its line and its number in the line) and the length of its
// key, each an unsigned varint.
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
		record = binary.AppendUvarint(record, uint64(row.nth))
		record = binary.AppendUvarint(record, uint64(key))
		return s.Add(ctx, e.Timestamp, append(record, encoded...))
	})
}

// appendRecord appends a record of sortFiles. The row's own bytes are not in it:

// appendRecord appends a record of sortFiles. The row's own bytes are not in it:
// readAgain finds them.
func (im *Import) appendRecord(ctx context.Context, record []byte) error {
	var head [4]uint64
	for i := range head {
		n, size := binary.Uvarint(record)
		if size <= 0 {
			return fmt.Errorf("a sorted record of %d bytes cannot be read", len(record))
		}
		head[i], record = n, record[size:]
	}
	row := place{file: im.inputs[head[0]].Name, index: int64(head[1]), nth: int64(head[2])}
	return im.batch.appendEncoded(ctx, record, int(head[3]), row)
}
