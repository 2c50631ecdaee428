package windows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// A commit is a place P of a partition's log from which every
// window that is still open can be rebuilt, and beside it, as the commit's
// metadata, what lies before P and is still needed (W6). The metadata is one
// line of printable ASCII, fields parted by one space, always all of these in
// this order:
//
//	2                    the version of this format
//	rules=H@T,…          the hashes of the rule sets with open windows at P
//	                     (rules.Set.Hash), the one in force first, each with the
//	                     time after which the windows that it judges start
//	acknowledged=N       alerts are acknowledged as they stand at this offset, N ≥ P
//	last_value=N         offset of the last record with a value before P, or -1
//	event_watermark=T    W3, of the records before P
//	watermark=T          W3, of the records before P
//	quiet_ms=N           quiet time of the last valid tick before P since an event
//	                     moved the event watermark, or 0
//	newest=T             highest time of the valid events before P that are not future
//	judged=T             windows that start before T are not judged
//	alerts_from=N        from this offset of the alerts topic on, its partition with
//	                     the same number holds the alerts of all windows that a window
//	                     still open at the acknowledged offset can join (W9); commits
//	                     of older versions do not have it, and then it is 0
//
// T is in milliseconds since the Unix epoch, or "none" before the first event;
// a set judges all windows from the log's beginning on where its T is "none".
// The T of judged is "all" where the log was read from its true beginning, and
// "none" where it was cut and no event has been read yet.
//
// Between P and the acknowledged offset nothing is emitted again: windows that
// closed there may be rebuilt only in part. Those still open at that offset are
// whole, and the topic holds the state that they have there.
//
// More fields may follow, of the form name=value: they are an instance's that
// knows more, and are written back with each commit. What cannot be understood
// without them has a higher version: whoever does not know that stops with
// ErrNewerVersion. Version 1 is read too. With a rule set that is not found a
// commit waits for it. One that does not parse is not used, and neither is one of
// version 1 whose rule is not found: the log is read from its beginning.
const metadataVersion = 2

const alertsFrom = "alerts_from"

var metadataFields = [...]string{"rules", "acknowledged", "last_value", "event_watermark", "watermark", "quiet_ms", "newest", "judged"}

// Commit returns the offset to resume from, and the metadata. It may be called
// when everything that changed has been acknowledged.
func (p *Partition) Commit() (offset int64, metadata string) {
	from := p.from()
	values := [...]string{
		rulesText(p.inForce(from)),
		strconv.FormatInt(p.offset, 10),
		strconv.FormatInt(from.lastValue, 10),
		timeText(from.eventWatermark),
		timeText(from.watermark),
		strconv.FormatInt(int64(from.quiet), 10),
		timeText(from.newest),
		boundText(p.judged),
	}
	text := strconv.AppendInt(nil, metadataVersion, 10)
	for i, name := range metadataFields {
		text = append(text, ' ')
		text = append(text, name...)
		text = append(text, '=')
		text = append(text, values[i]...)
	}
	text = strconv.AppendInt(append(text, " "+alertsFrom+"="...), p.episodes.alertsFrom(), 10)
	return from.offset, string(text) + p.more
}

func rulesText(generations []*generation) string {
	var sets []string
	for _, g := range generations {
		sets = append([]string{g.set.Hash() + "@" + timeText(g.after)}, sets...)
	}
	return strings.Join(sets, ",")
}

// ErrOtherRule is why a commit made by another rule cannot be used.
var ErrOtherRule = errors.New("made by another rule")

// ErrNewerVersion is why a commit cannot be used and must not be overwritten.
var ErrNewerVersion = errors.New("made by a newer version of clickstream")

// AcknowledgedIn reads from a commit's metadata the hash of the rule set that was
// in force where it begins, and the offset up to which the alerts are
// acknowledged. In version 1 the hash is that of an event.Rule.
func AcknowledgedIn(metadata string) (hash string, offset int64, ok bool) {
	m, err := parseMetadata(metadata)
	if err != nil {
		return "", 0, false
	}
	hash, _, _ = strings.Cut(m.values["rules"], "@")
	return hash, m.number("acknowledged", nil), m.err == nil
}

// Resume is the partition as a commit describes it, to be read on from offset.
// lookup finds a rule set by its hash; its error is in Resume's. In metadata of
// version 1 the hash is that of an event.Rule; lookup is asked for others than
// that of event.DefaultRule, and an error is ErrOtherRule.
func Resume(lookup func(hash string) (*rules.Set, error), offset int64, metadata string) (*Partition, error) {
	m, err := parseMetadata(metadata)
	if err != nil {
		return nil, fmt.Errorf("commit metadata %q: %w", metadata, err)
	}
	sets, err := m.sets(lookup)
	if err != nil {
		return nil, fmt.Errorf("commit metadata %q: %w", metadata, err)
	}
	p := New(sets[0].set, offset, false)
	p.generations, p.begun = nil, 0
	p.more = m.more
	p.acknowledged = m.number("acknowledged", nil)
	p.lastValue = m.number("last_value", nil)
	p.eventWatermark = event.Millis(m.number("event_watermark", timeWords))
	p.watermark = event.Millis(m.number("watermark", timeWords))
	p.quiet = event.Millis(m.number("quiet_ms", nil))
	p.newest = event.Millis(m.number("newest", timeWords))
	p.judged = event.Millis(m.number("judged", boundWords))
	p.episodes.alertsEnd = m.number(alertsFrom, nil)
	switch {
	case m.err != nil:
		return nil, fmt.Errorf("commit metadata %q: %w", metadata, m.err)
	case p.acknowledged < offset || p.lastValue >= offset || p.lastValue < -1 || p.quiet < 0 || p.episodes.alertsEnd < 0 || p.watermark < p.eventWatermark ||
		sets[len(sets)-1].after > p.newest:
		return nil, fmt.Errorf("commit metadata %q at offset %d: the numbers contradict each other", metadata, offset)
	}
	p.rebuilding = p.acknowledged > offset
	for i, s := range sets {
		if i > 0 {
			p.generations[i-1].end(s.after)
		}
		p.begin(s.set, s.after)
	}
	return p, nil
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

func boundText(t event.Millis) string {
	switch t {
	case None:
		return "all"
	case never:
		return "none"
	}
	return strconv.FormatInt(int64(t), 10)
}
