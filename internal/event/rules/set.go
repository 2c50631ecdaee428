package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"clickstream/internal/event"
)

// Severities of a rule.
const (
	Info     = "info"
	Warning  = "warning"
	Critical = "critical"
)

// Rule is one named rule.
type Rule struct {
	Name        string        // snake_case, at most 64 bytes, unique in its set
	When        string        // the condition under which a product in a window qualifies
	Window      time.Duration // how long a window is
	Slide       time.Duration // how far apart windows begin; it divides Window
	Description string        // for people, at most 1,000 bytes
	Severity    string        // Info, Warning or Critical; empty: Warning
	Notify      bool          // people are notified of its alerts
}

// Limits of a set.
const (
	MaxRules = 32
	MaxTypes = 16 // of events that are counted
	// MaxPanes is how many panes the longest window may have.
	MaxPanes = 1440

	MaxWindow      = 24 * time.Hour
	MaxLateness    = 24 * time.Hour
	maxName        = 64
	maxWhen        = 1000
	maxDescription = 1000
)

// Set is what a control record puts in force. Make one with New, Parse, Decode,
// FlashSale or Default.
type Set struct {
	lateness time.Duration
	rules    []Rule
	judges   []judge // by rule
	types    []string
	pane     time.Duration
	hash     string
}

// New makes a set of the rules. The error, if any, is Problems: all that is
// wrong, each problem with its rule and field.
func New(lateness time.Duration, rules []Rule) (*Set, error) {
	return newSet(lateness, rules, nil)
}

// newSet is New; the problems that were found before are reported with its own.
func newSet(lateness time.Duration, rules []Rule, problems Problems) (*Set, error) {
	s := &Set{lateness: lateness, rules: slices.Clone(rules), types: []string{event.TypeView, event.TypePurchase}}
	set := func(field, format string, args ...any) {
		problems = append(problems, Problem{Field: field, Message: fmt.Sprintf(format, args...), index: -1, offset: -1})
	}
	if lateness < 0 || lateness > MaxLateness || lateness%time.Millisecond != 0 {
		set("lateness", "%s: give whole milliseconds, at most 24h", event.ShortDuration(lateness))
	}
	if len(rules) == 0 && len(problems) == 0 {
		set("rules", "there is none: give at least one rule, with name and when")
	}
	if len(rules) > MaxRules {
		set("rules", "there are %d: give at most %d", len(rules), MaxRules)
	}
	names := make(map[string]int)
	for i := range s.rules {
		r := &s.rules[i]
		if r.Severity == "" {
			r.Severity = Warning
		}
		problems = append(problems, r.check(i)...)
		if first, ok := names[r.Name]; ok && r.Name != "" {
			problems = append(problems, r.problem(i, "name", "rule %d has this name already: give each rule its own", first+1))
		} else {
			names[r.Name] = i
		}
		j, wrong := s.judge(i)
		problems = append(problems, wrong...)
		s.judges = append(s.judges, j)
		s.pane = gcd(s.pane, max(r.Slide, 0))
	}
	if len(problems) == 0 {
		problems = s.checkPanes()
	}
	if len(problems) > 0 {
		return nil, problems.withNames(rules)
	}
	s.hash = event.ShortHash(string(s.AppendJSON(nil)))
	return s, nil
}

// check reports what is wrong with the rule, the i-th, but for its condition.
func (r *Rule) check(i int) Problems {
	var problems Problems
	add := func(field, format string, args ...any) {
		problems = append(problems, r.problem(i, field, format, args...))
	}
	switch {
	case r.Name == "":
		add("name", "is missing: give the rule a name")
	case !event.ValidName(r.Name) || len(r.Name) > maxName:
		add("name", "%q: give lower-case letters, digits and underscores, beginning with a letter, at most %d", r.Name, maxName)
	}
	switch {
	case r.Slide < time.Second || r.Slide%time.Second != 0:
		add("slide", "%s: give whole seconds, 1s or more", r.Slide)
	case r.Window < r.Slide || r.Window%r.Slide != 0:
		add("window", "%s: it has to be a multiple of the slide, %s", event.ShortDuration(r.Window), event.ShortDuration(r.Slide))
	case r.Window/r.Slide > MaxPanes:
		add("window", "%s: at most %d slides of %s", event.ShortDuration(r.Window), MaxPanes, event.ShortDuration(r.Slide))
	}
	if r.Window > MaxWindow {
		add("window", "%s: at most 24h", event.ShortDuration(r.Window))
	}
	switch r.Severity {
	case Info, Warning, Critical:
	default:
		add("severity", "%q: give info, warning or critical", r.Severity)
	}
	if len(r.Description) > maxDescription {
		add("description", "%d bytes: at most %d", len(r.Description), maxDescription)
	}
	if !utf8.ValidString(r.Description) {
		add("description", "is not UTF-8")
	}
	return problems
}

// checkPanes reports the rule whose window has too many panes of the set.
func (s *Set) checkPanes() Problems {
	for i := range s.rules {
		if r := &s.rules[i]; r.Window/s.pane > MaxPanes {
			return Problems{r.problem(i, "window", "%s: all rules are counted in panes of %s, the longest time that divides every slide, and a window has at most %d of them: give slides that have more in common",
				event.ShortDuration(r.Window), event.ShortDuration(s.pane), MaxPanes)}
		}
	}
	return nil
}

// judge makes the judge of the i-th rule, and brings its condition into the
// canonical spelling.
func (s *Set) judge(i int) (judge, Problems) {
	r := &s.rules[i]
	switch {
	case strings.TrimSpace(r.When) == "":
		return judge{}, Problems{r.problem(i, "when", "is missing: give a condition, such as views > 100 && purchases < 5")}
	case len(r.When) > maxWhen:
		return judge{}, Problems{r.problem(i, "when", "%d bytes: at most %d", len(r.When), maxWhen)}
	}
	condition, wrong := parseCondition(r.When, s.column)
	if wrong != nil {
		p := r.problem(i, "when", "%s", wrong.message)
		p.offset = wrong.offset
		return judge{}, Problems{p}
	}
	if r.When = condition.text(s.types); len(r.When) > maxWhen {
		return judge{}, Problems{r.problem(i, "when", "%d bytes when written out: at most %d", len(r.When), maxWhen)}
	}
	j := newJudge(condition)
	if j.qualifies(make([]uint32, MaxTypes)) {
		p := r.problem(i, "when", "holds for a window without events: say what has to happen in it, as in views > 100")
		p.offset = 0
		return judge{}, Problems{p}
	}
	return j, nil
}

// column is the column of an event type, which it adds where it is new; it is
// false when there are too many.
func (s *Set) column(eventType string) (int, bool) {
	if i := slices.Index(s.types, eventType); i >= 0 {
		return i, true
	}
	if len(s.types) == MaxTypes {
		return 0, false
	}
	s.types = append(s.types, eventType)
	return len(s.types) - 1, true
}

// FlashSale is the set of one rule, flash_sale, with more views and fewer
// purchases than r says.
func FlashSale(r event.Rule) (*Set, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return New(r.Lateness, []Rule{{
		Name: "flash_sale", When: fmt.Sprintf("views > %d && purchases < %d", r.ViewsOver, r.PurchasesUnder),
		Window: r.Window, Slide: r.Slide, Severity: Warning, Notify: true,
	}})
}

// Default is the set that judges a log on which no other has been put in force.
func Default() *Set {
	s, err := FlashSale(event.DefaultRule())
	if err != nil {
		panic(err)
	}
	return s
}

// Lateness is how long after it happened an event may arrive and still count.
func (s *Set) Lateness() time.Duration { return s.lateness }

// Rules are the rules in the order in which they were given.
func (s *Set) Rules() []Rule { return slices.Clone(s.rules) }

// Pane is the longest time that divides every slide, and so every window.
func (s *Set) Pane() time.Duration { return s.pane }

// Types are the event types that are counted, by column: view, purchase, and
// then those that the conditions name.
func (s *Set) Types() []string { return slices.Clone(s.types) }

// Counts are the event types that a rule's condition counts, by column.
func (s *Set) Counts(rule int) []string {
	var counted [MaxTypes]bool
	s.judges[rule].condition.columns(&counted)
	var types []string
	for i, t := range s.types {
		if counted[i] {
			types = append(types, t)
		}
	}
	return types
}

// Qualifies says whether a product with so many events, by column, in a window
// qualifies under a rule. It does not allocate.
func (s *Set) Qualifies(rule int, counts []uint32) bool { return s.judges[rule].qualifies(counts) }

// Needs is a bound that is cheap to test: a window qualifies under the rule only
// with more than so many events in that column. Where the condition asks for
// none in particular, the column is -1, and the bound is of the sum of all
// columns.
func (s *Set) Needs(rule int) (column int, more uint32) { return s.judges[rule].needs() }

// Definition is all that decides the rule's alerts; equal definitions have equal
// strings. It is the `rule` of an alert.
func (s *Set) Definition(rule int) string {
	r := &s.rules[rule]
	return fmt.Sprintf("%s(%s,window=%s,slide=%s,lateness=%s)",
		r.Name, s.judges[rule].condition.short(s.types), r.Window, r.Slide, s.lateness)
}

// AlertID names the alert of a product and a window's start under a rule.
func (s *Set) AlertID(rule int, product string, start event.Millis) string {
	return event.AlertID(s.Definition(rule), product, start)
}

func gcd(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// saturated is the count that n stands for; a count is at most math.MaxUint32.
func saturated(n float64) uint32 {
	return uint32(min(max(n, 0), math.MaxUint32))
}
