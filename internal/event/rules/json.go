package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"clickstream/internal/event"
)

// definitionVersion is raised when a set comes to mean something that older
// versions of clickstream do not know.
const definitionVersion = 1

// setJSON is a set on the log. Its fields and their order decide the hash.
type setJSON struct {
	Version  int          `json:"version"`
	Lateness event.Millis `json:"lateness_ms"`
	Rules    []ruleJSON   `json:"rules"`
}

type ruleJSON struct {
	Name        string       `json:"name"`
	When        string       `json:"when"`
	Window      event.Millis `json:"window_ms"`
	Slide       event.Millis `json:"slide_ms"`
	Description string       `json:"description"`
	Severity    string       `json:"severity"`
	Notify      bool         `json:"notify"`
}

// Hash is a short name for the whole set: equal sets have equal hashes.
func (s *Set) Hash() string { return s.hash }

// AppendJSON appends the set as it is stored: in one way only, so that the hash
// is of these bytes.
func (s *Set) AppendJSON(dst []byte) []byte {
	stored := setJSON{Version: definitionVersion, Lateness: millis(s.lateness)}
	for _, r := range s.rules {
		stored.Rules = append(stored.Rules, ruleJSON{
			Name: r.Name, When: r.When, Window: millis(r.Window), Slide: millis(r.Slide),
			Description: r.Description, Severity: r.Severity, Notify: r.Notify,
		})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // && and > are for people to read
	if err := enc.Encode(stored); err != nil {
		panic(err) // it holds nothing that cannot be encoded
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

// Decode reads what AppendJSON wrote. A set of a newer version of clickstream is
// an error that says so.
func Decode(stored []byte) (*Set, error) {
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(stored, &version); err != nil {
		return nil, fmt.Errorf("not a rule set: %w", err)
	}
	if version.Version > definitionVersion {
		return nil, fmt.Errorf("the rule set is of version %d, and this clickstream reads up to %d: run a newer one", version.Version, definitionVersion)
	}
	var d setJSON
	dec := json.NewDecoder(bytes.NewReader(stored))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("not a rule set: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not a rule set: there is more than one value")
	}
	rules := make([]Rule, len(d.Rules))
	for i, r := range d.Rules {
		rules[i] = Rule{
			Name: r.Name, When: r.When, Window: r.Window.Duration(), Slide: r.Slide.Duration(),
			Description: r.Description, Severity: r.Severity, Notify: r.Notify,
		}
	}
	return New(d.Lateness.Duration(), rules)
}

func millis(d time.Duration) event.Millis { return event.Millis(d.Milliseconds()) }
