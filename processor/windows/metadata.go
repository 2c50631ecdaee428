package windows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"clickstream/internal/event"
)

// A commit is a place P of a partition's log from which every
// window that is still open can be rebuilt, and beside it, as the commit's
// metadata, what lies before P and is still needed (W6). The metadata is one
// line of printable ASCII, fields parted by one space, always all of these in
// this order:
//
//	1                    the version of this format
//	rule=…               event.Rule.Hash of the rule; windows, slide and lateness are in it
//	told=N               alerts are acknowledged as they stand at this offset, N ≥ P
//	last_value=N         offset of the last record with a value before P, or -1
//	event_watermark=T    W3, of the records before P
//	watermark=T          W3, of the records before P
//	quiet_ms=N           quiet time of the last valid tick before P since an event
//	                     moved the event watermark, or 0
//	judged=K             windows with a number below K are not judged (a window's
//	                     number is its start divided by the slide)
//
// T is in milliseconds since the Unix epoch, or "none" before the first event.
// K is "all" where the log was read from its true beginning, and "none" where
// it was cut and no event has been read yet.
//
// Between P and the offset in told nothing is emitted again: windows that closed
// there may be rebuilt only in part. Those still open at that offset are whole,
// and the topic holds the state that they have there.
//
// More fields may follow, of the form name=value: they are an instance's that
// knows more, and are written back with each commit. What cannot be understood
// without them has a higher version: whoever does not know that stops with
// ErrNewerVersion. A commit of another rule, or one that does not parse, is not
// used: the log is read from its beginning.
const metadataVersion = "1"

var metadataFields = [...]string{"rule", "told", "last_value", "event_watermark", "watermark", "quiet_ms", "judged"}

// Commit returns the offset to resume from, and the metadata. It may be called
// when everything that changed has been acknowledged.
func (p *Partition) Commit() (offset int64, metadata string) {
	from := p.place
	for k := p.generation.windows.low; k <= p.generation.windows.high; k++ {
		if first := p.generation.windows.at(k).first; first.offset >= 0 && first.offset < from.offset {
			from = first
		}
	}
	values := [...]string{
		p.generation.rule.Hash(),
		strconv.FormatInt(p.offset, 10),
		strconv.FormatInt(from.lastValue, 10),
		timeText(from.eventWatermark),
		timeText(from.watermark),
		strconv.FormatInt(int64(from.quiet), 10),
		boundText(p.generation.judged),
	}
	text := []byte(metadataVersion)
	for i, name := range metadataFields {
		text = append(text, ' ')
		text = append(text, name...)
		text = append(text, '=')
		text = append(text, values[i]...)
	}
	return from.offset, string(text) + p.more
}

// ErrOtherRule is why a commit made by another rule cannot be used.
var ErrOtherRule = errors.New("made by another rule")

// ErrNewerVersion is why a commit cannot be used and must not be overwritten.
var ErrNewerVersion = errors.New("made by a newer version of clickstream")

// AcknowledgedIn reads from a commit's metadata the hash of its rule and the
// offset up to which the alerts are acknowledged.
func AcknowledgedIn(metadata string) (ruleHash string, offset int64, ok bool) {
	_, err := fmt.Sscanf(metadata, metadataVersion+" rule=%s told=%d", &ruleHash, &offset)
	return ruleHash, offset, err == nil
}

// Resume is the partition as a commit describes it, to be read on from offset.
func Resume(rule event.Rule, offset int64, metadata string) (*Partition, error) {
	fields := strings.Split(metadata, " ")
	if err := checkVersion(fields[0]); err != nil {
		return nil, fmt.Errorf("commit metadata %q: %w", metadata, err)
	}
	if len(fields) < len(metadataFields)+1 {
		return nil, fmt.Errorf("commit metadata %q: %d fields, not %d", metadata, len(fields)-1, len(metadataFields))
	}
	more, err := moreFields(fields[len(metadataFields)+1:])
	if err != nil {
		return nil, fmt.Errorf("commit metadata %q: %w", metadata, err)
	}
	var values [len(metadataFields)]string
	for i, name := range metadataFields {
		value, ok := strings.CutPrefix(fields[i+1], name+"=")
		if !ok {
			return nil, fmt.Errorf("commit metadata %q: field %d is not %s", metadata, i+1, name)
		}
		values[i] = value
	}
	if values[0] != rule.Hash() {
		return nil, fmt.Errorf("commit metadata %q: %w", metadata, ErrOtherRule)
	}
	p := New(rule, offset, false)
	p.more = more
	number := func(i int, words map[string]int64) int64 {
		if n, ok := words[values[i]]; ok {
			return n
		}
		n, parseErr := strconv.ParseInt(values[i], 10, 64)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("commit metadata %q: %s: %w", metadata, metadataFields[i], parseErr)
		}
		return n
	}
	p.acknowledged = number(1, nil)
	p.lastValue = number(2, nil)
	p.eventWatermark = event.Millis(number(3, timeWords))
	p.watermark = event.Millis(number(4, timeWords))
	p.quiet = event.Millis(number(5, nil))
	p.generation.judged = number(6, boundWords)
	switch {
	case err != nil:
		return nil, err
	case p.acknowledged < offset || p.lastValue >= offset || p.lastValue < -1 || p.quiet < 0 || p.watermark < p.eventWatermark:
		return nil, fmt.Errorf("commit metadata %q at offset %d: the numbers contradict each other", metadata, offset)
	}
	p.rebuilding = p.acknowledged > offset
	p.awaitsBounds = p.generation.judged == highest
	if p.watermark != None {
		p.generation.open = p.generation.openAt(p.watermark)
	}
	return p, nil
}

func checkVersion(version string) error {
	if version == metadataVersion {
		return nil
	}
	n, err := strconv.ParseUint(version, 10, 32)
	if known, _ := strconv.ParseUint(metadataVersion, 10, 32); err == nil && n > known {
		return fmt.Errorf("its version is %d, this instance knows up to %s: %w", n, metadataVersion, ErrNewerVersion)
	}
	return fmt.Errorf("version %q is not %s", version, metadataVersion)
}

// moreFields checks the fields after the known ones and returns them as they
// stand.
func moreFields(fields []string) (string, error) {
	for _, field := range fields {
		if name, _, ok := strings.Cut(field, "="); !ok || name == "" {
			return "", fmt.Errorf("%q is not of the form name=value", field)
		}
	}
	return strings.Join(append([]string{""}, fields...), " "), nil
}

var (
	timeWords  = map[string]int64{"none": int64(None)}
	boundWords = map[string]int64{"all": lowest, "none": highest}
)

func timeText(t event.Millis) string {
	if t == None {
		return "none"
	}
	return strconv.FormatInt(int64(t), 10)
}

func boundText(k int64) string {
	switch k {
	case lowest:
		return "all"
	case highest:
		return "none"
	}
	return strconv.FormatInt(k, 10)
}
