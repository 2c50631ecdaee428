package event

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Rule is the definition of the flash-sale alert: which products qualify in
// which windows.
type Rule struct {
	ViewsOver      int           // a product needs more views than this
	PurchasesUnder int           // and fewer purchases than this
	Window         time.Duration // how long a window is
	Slide          time.Duration // how far apart windows begin; it divides Window
	Lateness       time.Duration // how long after it happened an event may arrive
}

// DefaultRule is more than 100 views and fewer than 5 purchases within 10
// minutes, sliding by 1, with a minute of lateness.
func DefaultRule() Rule {
	return Rule{ViewsOver: 100, PurchasesUnder: 5, Window: 10 * time.Minute, Slide: time.Minute, Lateness: time.Minute}
}

// Validate reports everything that is wrong with the rule.
func (r Rule) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if r.ViewsOver < 0 {
		add("views-over is %d: give 0 or more", r.ViewsOver)
	}
	if r.PurchasesUnder < 1 {
		add("purchases-under is %d: give 1 or more, or no product qualifies", r.PurchasesUnder)
	}
	switch {
	case r.Slide < time.Second || r.Slide%time.Second != 0:
		add("slide is %s: give whole seconds, 1s or more", r.Slide)
	case r.Window < r.Slide || r.Window%r.Slide != 0:
		add("window is %s: it has to be a multiple of the slide, %s", ShortDuration(r.Window), ShortDuration(r.Slide))
	case r.Window/r.Slide > 1440:
		add("window is %s: at most 1440 slides of %s", ShortDuration(r.Window), ShortDuration(r.Slide))
	}
	if r.Window > 24*time.Hour {
		add("window is %s: at most 24h", ShortDuration(r.Window))
	}
	if r.Lateness < 0 || r.Lateness > 24*time.Hour || r.Lateness%time.Millisecond != 0 {
		add("lateness is %s: give whole milliseconds, at most 24h", ShortDuration(r.Lateness))
	}
	return errors.Join(errs...)
}

// String is the rule's whole definition; equal rules have equal strings. It is
// the `rule` of an alert.
func (r Rule) String() string {
	return fmt.Sprintf("flash_sale(views>%d,purchases<%d,window=%s,slide=%s,lateness=%s)",
		r.ViewsOver, r.PurchasesUnder, r.Window, r.Slide, r.Lateness)
}

// ParseRule reads what String has written.
func ParseRule(definition string) (Rule, error) {
	var r Rule
	var window, slide, lateness string
	format := strings.NewReplacer("(", " ", ",", " ", ")", " ")
	_, err := fmt.Sscanf(format.Replace(definition), "flash_sale views>%d purchases<%d window=%s slide=%s lateness=%s",
		&r.ViewsOver, &r.PurchasesUnder, &window, &slide, &lateness)
	for _, d := range [...]struct {
		text string
		to   *time.Duration
	}{{window, &r.Window}, {slide, &r.Slide}, {lateness, &r.Lateness}} {
		if err == nil {
			*d.to, err = time.ParseDuration(d.text)
		}
	}
	if err == nil && r.String() != definition {
		err = errors.New("it is not written as rules are")
	}
	if err != nil {
		return r, fmt.Errorf("rule %q: %w", definition, err)
	}
	return r, r.Validate()
}

// Qualifies says whether a product with so many distinct views and purchases in
// a window is in a flash sale (W2).
func (r Rule) Qualifies(views, purchases int) bool {
	return views > r.ViewsOver && purchases < r.PurchasesUnder
}

// Hash is a short name for the rule's definition.
func (r Rule) Hash() string { return ShortHash(r.String()) }

// AlertID names the alert of a product and a window's start under this rule.
func (r Rule) AlertID(product string, start Millis) string {
	return AlertID(r.String(), product, start)
}

// RuleName is the name in a rule's definition.
func RuleName(definition string) string {
	name, _, _ := strings.Cut(definition, "(")
	return name
}

// AlertID names the alert of a product and a window's start under the rule with
// this definition.
func AlertID(definition, product string, start Millis) string {
	return ShortHash(definition + "\x00" + start.String() + "\x00" + product)
}

// ShortHash is half a SHA-256 of s, in hexadecimal.
func ShortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
