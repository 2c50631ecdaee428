package sorting

import (
	"errors"
	"fmt"
	"io"

	"clickstream/internal/event"
)

// stream gives records in the order of their times. A record is good until the
// next call. The error at the end is io.EOF.
type stream interface {
	next() (event.Millis, []byte, error)
}

// inMemory are a Sorter's sorted entries.
type inMemory struct {
	s *Sorter
	n int
}

func (m *inMemory) next() (event.Millis, []byte, error) {
	if m.n == len(m.s.entries) {
		return 0, nil, io.EOF
	}
	e := m.s.entries[m.n]
	m.n++
	return e.at, m.s.record(e), nil
}

// Merge gives the records of several streams in the order of their times; of
// one time, those of an earlier stream first.
type Merge struct {
	heads  []head   // a binary heap
	unread []stream // until the first Next
	err    error
}

// head is the next record of a stream.
type head struct {
	at     event.Millis
	number int // the stream's
	record []byte
	from   stream
}

func newMerge(sources []stream) *Merge { return &Merge{unread: sources} }

// Next returns the next record, good until the next call, and its time. The
// error at the end is io.EOF; any other is a temporary file's and stays.
func (m *Merge) Next() (event.Millis, []byte, error) {
	if m.err != nil {
		return 0, nil, m.err
	}
	step := m.advance
	if m.unread != nil {
		step = m.begin
	}
	if err := step(); err != nil {
		m.err = err
		if !errors.Is(err, io.EOF) {
			m.err = fmt.Errorf("read sorted temporary files: %w", err)
		}
		return 0, nil, m.err
	}
	return m.heads[0].at, m.heads[0].record, nil
}

// begin reads the first record of each stream.
func (m *Merge) begin() error {
	for i, s := range m.unread {
		at, record, err := s.next()
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return err
		}
		m.heads = append(m.heads, head{at, i, record, s})
	}
	m.unread = nil
	for i := len(m.heads)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return m.end()
}

// advance brings the next record to the top.
func (m *Merge) advance() error {
	top := &m.heads[0]
	at, record, err := top.from.next()
	switch {
	case errors.Is(err, io.EOF):
		last := len(m.heads) - 1
		m.heads[0] = m.heads[last]
		m.heads = m.heads[:last]
	case err != nil:
		return err
	default:
		top.at, top.record = at, record
	}
	m.down(0)
	return m.end()
}

func (m *Merge) end() error {
	if len(m.heads) == 0 {
		return io.EOF
	}
	return nil
}

func (m *Merge) less(i, j int) bool {
	a, b := &m.heads[i], &m.heads[j]
	return a.at < b.at || a.at == b.at && a.number < b.number
}

// down moves the head at i to where no head below it is less.
func (m *Merge) down(i int) {
	for {
		least := i
		for _, child := range [...]int{2*i + 1, 2*i + 2} {
			if child < len(m.heads) && m.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heads[i], m.heads[least] = m.heads[least], m.heads[i]
		i = least
	}
}
