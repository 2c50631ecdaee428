package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clickstream/ingest/files"
	"clickstream/ingest/formats"
	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// Survey is what files hold, found by reading them without importing anything.
type Survey struct {
	Files []FileSurvey
	// PassedOver are files of folders and archives that are not read, because
	// their names are not those of files of events.
	PassedOver []string
}

// FileSurvey is what one file holds.
type FileSurvey struct {
	Path     string
	Format   string
	Mapping  *mapping.Mapping // nil for a known format
	Read     int64            // rows
	Rejected Rejections
	Types    map[string]int64 // valid events
	// First and Last are the earliest and the latest time of its valid events.
	First, Last time.Time
	// Disorder is how much earlier than an event before it an event is, at most.
	Disorder time.Duration
	// Damaged says where a packed file is cut off or broken, or is empty. What
	// comes before is whole.
	Damaged string
}

// Valid is how many rows are valid events.
func (s FileSurvey) Valid() int64 { return s.Read - s.Rejected.Total() }

// Read is how many rows there are.
func (s Survey) Read() (n int64) {
	for _, f := range s.Files {
		n += f.Read
	}
	return n
}

// Rejected are the rejected rows of all files.
func (s Survey) Rejected() Rejections {
	all := make(Rejections)
	for _, f := range s.Files {
		for reason, rows := range f.Rejected {
			if all[reason] == nil {
				all[reason] = &RejectedRows{}
			}
			sum := all[reason]
			sum.Count += rows.Count
			sum.First = append(sum.First, rows.First[:min(len(rows.First), firstRejected-len(sum.First))]...)
		}
	}
	return all
}

// inOrder sorts the files by their first events and says how much earlier than
// one before it an event is at most, when they are read one after the other.
func (s Survey) inOrder() (order []int, disorder time.Duration) {
	for i, f := range s.Files {
		if f.Valid() > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return s.Files[a].First.Compare(s.Files[b].First) })
	var last time.Time
	for _, i := range order {
		f := s.Files[i]
		disorder = max(disorder, f.Disorder)
		if !last.IsZero() {
			disorder = max(disorder, last.Sub(f.First))
		}
		if f.Last.After(last) {
			last = f.Last
		}
	}
	// Files without an event are read too, for their rejected rows.
	for i, f := range s.Files {
		if f.Valid() == 0 {
			order = append(order, i)
		}
	}
	return order, disorder
}

// survey is the first pass over the files. It ends early where more rows are
// rejected than the options allow.
func (im *Import) survey(ctx context.Context) error {
	im.pass(Checking, 0)
	for _, in := range im.inputs {
		f, err := im.surveyFile(ctx, in)
		im.surveyed.Files = append(im.surveyed.Files, f)
		if err != nil {
			return fmt.Errorf("%s: %w", in.Name, err)
		}
	}
	im.show(true)
	return nil
}

func (im *Import) surveyFile(ctx context.Context, in files.Input) (FileSurvey, error) {
	f := FileSurvey{Path: in.Name, Rejected: make(Rejections), Types: make(map[string]int64)}
	im.path = in.Name
	r, err := im.open(in, formats.Options{WithoutIDs: true})
	if err != nil {
		return f, err
	}
	defer r.Close()
	f.Format, f.Mapping = r.Format(), im.mappings[in.Name]
	t := tally{received: event.MillisOf(time.Now()), types: make(map[string]*int64)}
	var e event.Event
	for {
		if err := im.pause(ctx); err != nil {
			return f, err
		}
		err := r.Next(&e)
		if err == nil {
			err = t.add(&e)
		}
		if bad, ok := errors.AsType[*event.Rejection](err); ok {
			line, row := r.Row()
			f.Rejected.add(*bad, in.Name, line, row)
		} else if err != nil {
			t.finish(&f)
			return f, im.endOfFile(r, err, &f.Damaged)
		}
		f.Read++
		im.read++
		if err := im.opts.checkRejected(f.Read, f.Rejected); err != nil {
			return f, err
		}
	}
}

// maxTypes bounds how many types of events a survey tells apart.
const maxTypes = 1000

// tally counts the valid events of a file.
type tally struct {
	received              event.Millis
	types                 map[string]*int64
	first, last, disorder event.Millis
	any                   bool
}

// add counts an event, or says what is wrong with it.
func (t *tally) add(e *event.Event) error {
	if e.ID == "" {
		e.ID = "not made yet"
	}
	if err := e.Validate(t.received); err != nil {
		return err
	}
	n := t.types[e.Type]
	if n == nil {
		name := strings.Clone(e.Type) // e's strings are good until the next row
		if len(t.types) >= maxTypes {
			name = "others"
		}
		if n = t.types[name]; n == nil {
			n = new(int64)
			t.types[name] = n
		}
	}
	*n++
	if !t.any {
		t.any, t.first, t.last = true, e.Timestamp, e.Timestamp
	}
	t.first, t.last = min(t.first, e.Timestamp), max(t.last, e.Timestamp)
	t.disorder = max(t.disorder, t.last-e.Timestamp)
	return nil
}

func (t *tally) finish(f *FileSurvey) {
	for name, n := range t.types {
		f.Types[name] = *n
	}
	if t.any {
		f.First, f.Last, f.Disorder = t.first.Time(), t.last.Time(), t.disorder.Duration()
	}
}
