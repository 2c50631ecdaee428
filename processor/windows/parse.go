package windows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// fields1 are the fields of metadata of version 1, under their names today. Their
// values are those of version 2, but rules is the hash of one event.Rule, and
// judged is the number of a window, which is its start divided by the slide.
var fields1 = [...]struct{ name, today string }{
	{"rule", "rules"}, {"told", "acknowledged"}, {"last_value", "last_value"}, {"event_watermark", "event_watermark"},
	{"watermark", "watermark"}, {"quiet_ms", "quiet_ms"}, {"judged", "judged"},
}

// parsed is a commit's metadata, by field.
type parsed struct {
	version int
	values  map[string]string
	more    string // the fields that are not known, as they stand
	err     error  // the first of number
}

func parseMetadata(metadata string) (*parsed, error) {
	fields := strings.Split(metadata, " ")
	version, err := parseVersion(fields[0])
	if err != nil {
		return nil, err
	}
	m := &parsed{version: version, values: make(map[string]string)}
	names, today := metadataFields[:], metadataFields[:]
	if version == 1 {
		names, today = nil, nil
		for _, f := range fields1 {
			names, today = append(names, f.name), append(today, f.today)
		}
	}
	if len(fields) < len(names)+1 {
		return nil, fmt.Errorf("%d fields, not %d", len(fields)-1, len(names))
	}
	for i, name := range names {
		value, ok := strings.CutPrefix(fields[i+1], name+"=")
		if !ok {
			return nil, fmt.Errorf("field %d is not %s", i+1, name)
		}
		m.values[today[i]] = value
	}
	more := fields[len(names)+1:]
	m.values[alertsFrom] = "0"
	if len(more) > 0 {
		if value, ok := strings.CutPrefix(more[0], alertsFrom+"="); ok {
			m.values[alertsFrom], more = value, more[1:]
		}
	}
	m.more, err = moreFields(more)
	return m, err
}

func parseVersion(version string) (int, error) {
	n, err := strconv.ParseUint(version, 10, 32)
	switch {
	case err != nil || n == 0:
		return 0, fmt.Errorf("version %q is not 1 or %d", version, metadataVersion)
	case n > metadataVersion:
		return 0, fmt.Errorf("its version is %d, this instance knows up to %d: %w", n, metadataVersion, ErrNewerVersion)
	}
	return int(n), nil
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

// number is the value of a field, which may be one of words.
func (m *parsed) number(name string, words map[string]int64) int64 {
	value := m.values[name]
	if n, ok := words[value]; ok {
		return n
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil && m.err == nil {
		m.err = fmt.Errorf("%s: %w", name, err)
	}
	return n
}

// setAfter is a rule set and the time after which the windows that it judges
// start.
type setAfter struct {
	set   *rules.Set
	after event.Millis
}

// sets are the rule sets, the one in force last.
func (m *parsed) sets(lookup func(hash string) (*rules.Set, error)) ([]setAfter, error) {
	if m.version == 1 {
		return m.sets1(lookup)
	}
	texts := strings.Split(m.values["rules"], ",")
	if len(texts) > maxGenerations {
		return nil, fmt.Errorf("there are %d rule sets: at most %d can be in use at once", len(texts), maxGenerations)
	}
	slices.Reverse(texts)
	var sets []setAfter
	for _, text := range texts {
		hash, after, _ := strings.Cut(text, "@")
		t, ok := timeWords[after]
		if !ok {
			var err error
			if t, err = strconv.ParseInt(after, 10, 64); err != nil {
				return nil, fmt.Errorf("rules: %w", err)
			}
		}
		if n := len(sets); n > 0 && event.Millis(t) < sets[n-1].after {
			return nil, fmt.Errorf("rules: %q are not in the order of their times", m.values["rules"])
		}
		set, err := lookup(hash)
		if err != nil {
			return nil, fmt.Errorf("rule set %s: %w", hash, err)
		}
		sets = append(sets, setAfter{set, event.Millis(t)})
	}
	return sets, nil
}

// sets1 is the one set of metadata of version 1, and brings the other fields into
// the form of version 2. What it does not say is the newest event's time: it is
// that of the event watermark, unless the client's clock was ahead.
func (m *parsed) sets1(lookup func(hash string) (*rules.Set, error)) ([]setAfter, error) {
	set := rules.Default()
	if hash := m.values["rules"]; hash != event.DefaultRule().Hash() {
		var err error
		if set, err = lookup(hash); err != nil {
			return nil, fmt.Errorf("rule %s: %w", hash, ErrOtherRule)
		}
	}
	m.values["newest"] = "none"
	if w := event.Millis(m.number("event_watermark", timeWords)); w != None {
		m.values["newest"] = timeText(w + event.Millis(set.Lateness().Milliseconds()))
	}
	if k := m.number("judged", boundWords); k != lowest && k != highest {
		m.values["judged"] = timeText(event.Millis(k * set.Pane().Milliseconds()))
	}
	return []setAfter{{set, None}}, nil
}
