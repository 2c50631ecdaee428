package sorting

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clickstream/internal/event"
)

type sample struct {
	at   event.Millis
	text string
}

// sorted gives samples to a Sorter and reads them back.
func sorted(t *testing.T, s *Sorter, samples []sample) []sample {
	t.Helper()
	for _, r := range samples {
		if err := s.Add(t.Context(), r.at, []byte(r.text)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := s.Sorted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []sample
	for {
		at, record, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, sample{at, string(record)})
	}
	if _, _, err := m.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	return got
}

func newSorter(t *testing.T, maxBytes int) *Sorter {
	t.Helper()
	s := &Sorter{maxBytes: maxBytes, dir: t.TempDir()}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// The order is the same in memory, in a few temporary files, and in so many that
// they are merged on the way.
func TestRecordsComeInTheOrderOfTimeAndThenOfAdding(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var samples []sample
	for i := range 20_000 {
		samples = append(samples, sample{event.Millis(rng.IntN(3000) - 10), fmt.Sprint(i, strings.Repeat("x", rng.IntN(300)))})
	}
	samples = append(samples, sample{5, strings.Repeat("y", MaxRecord)}, sample{5, ""})
	want := slices.Clone(samples)
	slices.SortStableFunc(want, func(a, b sample) int { return int(a.at - b.at) })
	for _, c := range []struct {
		maxBytes int
		spilled  bool
	}{{DefaultMaxBytes, false}, {8 << 20, true}, {4*MaxRecord + 40_000, true}} {
		s := newSorter(t, c.maxBytes)
		got := sorted(t, s, samples)
		if s.Spilled() != c.spilled || s.Records() != int64(len(samples)) {
			t.Errorf("%d bytes: spilled is %t, %d records", c.maxBytes, s.Spilled(), s.Records())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes: %d records in another order", c.maxBytes, len(got))
		}
	}
}

func TestManyTemporaryFilesAreMergedOnTheWay(t *testing.T) {
	s := newSorter(t, 4*MaxRecord+4000)
	var samples []sample
	for i := range 5000 {
		samples = append(samples, sample{event.Millis(-i), "r"})
	}
	got := sorted(t, s, samples)
	if len(s.runs) > maxRuns || len(s.runs) == 0 {
		t.Errorf("%d temporary files", len(s.runs))
	}
	slices.Reverse(samples)
	if !slices.Equal(got, samples) {
		t.Error("the order is wrong")
	}
}

func TestSortingStopsWithItsContext(t *testing.T) {
	s := newSorter(t, 4*MaxRecord+4000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err error
	for i := 0; i < 100_000 && err == nil; i++ {
		err = s.Add(ctx, event.Millis(i), []byte("r"))
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestSortingSaysWhatHelpsWhereThereIsNoRoom(t *testing.T) {
	s := &Sorter{maxBytes: 4*MaxRecord + 4000, dir: t.TempDir() + "/missing"}
	var err error
	for i := 0; i < 1000 && err == nil; i++ {
		err = s.Add(t.Context(), event.Millis(i), []byte("r"))
	}
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("the error is %v", err)
	}
	if _, err := New(Config{MaxBytes: 1}); err == nil || !strings.Contains(err.Error(), "32 MiB") {
		t.Errorf("a bound of one byte: %v", err)
	}
	if err := s.Add(t.Context(), 0, bytes.Repeat([]byte("x"), MaxRecord+1)); err == nil {
		t.Error("a record that is too long was taken")
	}
}

// BenchmarkSorter sorts records of 250 bytes in random order:
//
//	go test ./ingest/sorting -run '^$' -bench . -benchtime 3000000x
func BenchmarkSorter(b *testing.B) {
	s, err := New(Config{TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	record := []byte(strings.Repeat(`{"event_id":"row1-`, 14))
	rng := rand.New(rand.NewPCG(1, 1))
	for b.Loop() {
		binary.BigEndian.PutUint64(record[18:], rng.Uint64())
		if err := s.Add(b.Context(), event.Millis(rng.Int64N(1<<40)), record); err != nil {
			b.Fatal(err)
		}
	}
	m, err := s.Sorted(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var last event.Millis
	for {
		at, _, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || at < last {
			b.Fatal(err, at, last)
		}
		last = at
	}
}
