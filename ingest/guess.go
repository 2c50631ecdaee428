package ingest

import (
	"errors"
	"io"

	"clickstream/ingest/files"
	"clickstream/ingest/formats"
	"clickstream/ingest/formats/mapped"
	"clickstream/ingest/mapping"
	"clickstream/ingest/mapping/guess"
	"clickstream/internal/event"
)

// firstEvents is how many events of a guess are shown.
const firstEvents = 5

// Guessed is how the columns of a file that is of no known format look like they
// become events.
type Guessed struct {
	Path string
	guess.Guess
	First []string // the first five events as they would be on the log, in JSON
}

// guess asks the options for the mapping of a file, by a guess. Files with the
// same guess are asked for once.
func (im *Import) guess(in files.Input) (*mapping.Mapping, error) {
	given := mapping.Mapping{}
	if im.opts.Mapping != nil {
		given = *im.opts.Mapping
	}
	if given.Encoding == "" {
		given.Encoding = im.opts.Encoding
	}
	src, err := in.Open(&im.bytes)
	if err != nil {
		return nil, err
	}
	found, err := mapped.Guess(src, given)
	if err = errors.Join(err, src.Close()); err != nil {
		return nil, err
	}
	text := found.Mapping.String()
	if taken, ok := im.guessed[text]; ok {
		return taken, nil
	}
	g := Guessed{Path: in.Name, Guess: found}
	if len(found.Missing) == 0 {
		if g.First, err = im.first(in, found.Mapping); err != nil {
			return nil, err
		}
	}
	taken, err := im.opts.Guess(g)
	if err != nil {
		return nil, err
	}
	im.guessed[text] = &taken
	return &taken, nil
}

// first are the first valid events of a file, read by a mapping.
func (im *Import) first(in files.Input, m mapping.Mapping) ([]string, error) {
	r, err := im.openMapped(in, &m, formats.Options{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var first []string
	var e event.Event
	for row := 0; row < guess.SampleRows && len(first) < firstEvents; row++ {
		err := r.Next(&e)
		if _, ok := errors.AsType[*event.Rejection](err); ok {
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		first = append(first, string(e.AppendJSON(nil)))
	}
	return first, nil
}

// mappingOf is the mapping that a file is read by, or nil for a file of a known
// format.
func (im *Import) mappingOf(in files.Input) (*mapping.Mapping, error) {
	given := im.opts.Mapping
	if given != nil && !given.Auto {
		return given, nil
	}
	// Something is given beside "auto": that is about no known format.
	if given != nil && given.String() != (mapping.Mapping{Auto: true}).String() {
		return im.guess(in)
	}
	r, err := im.openMapped(in, nil, formats.Options{WithoutIDs: true})
	if err == nil {
		r.Close()
		return nil, nil
	}
	if _, unknown := errors.AsType[*formats.UnknownError](err); unknown && im.opts.Guess != nil && in.Again {
		return im.guess(in)
	}
	return nil, err
}
