package backtest

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"clickstream/internal/event/rules"
)

// Sweep is a number of a rule's condition that takes several values.
type Sweep struct {
	Name   string // of the count that the number is compared with, as conditions have it
	Values []float64
}

// MaxSwept is how many values a Sweep may have.
const MaxSwept = 128

// fewSwept is how many values a Sweep without a step has, at most.
const fewSwept = 20

// ParseSweep reads views=50..200 or views=50..200/10, where 10 is the step. Without
// one the step is a round number that gives a table of at most 20 lines.
func ParseSweep(text string) (Sweep, error) {
	wrong := func(why string) (Sweep, error) {
		return Sweep{}, fmt.Errorf("sweep %q: %s: give the name of a count, its least and its greatest value and perhaps a step, as in views=50..200/10", text, why)
	}
	name, numbers, ok := strings.Cut(text, "=")
	if !ok {
		return wrong("it has no =")
	}
	span, stepText, hasStep := strings.Cut(numbers, "/")
	leastText, mostText, ok := strings.Cut(span, "..")
	if !ok {
		return wrong("it has no ..")
	}
	least, err := strconv.ParseFloat(strings.TrimSpace(leastText), 64)
	if err != nil || !(least >= 0 && least <= 1e15) {
		return wrong(strconv.Quote(leastText) + " is not a number from 0 on")
	}
	most, err := strconv.ParseFloat(strings.TrimSpace(mostText), 64)
	if err != nil || !(most <= 1e15) {
		return wrong(strconv.Quote(mostText) + " is not a number")
	}
	if most < least {
		return wrong("the greatest value is below the least")
	}
	step := roundStep(most - least)
	if hasStep {
		step, err = strconv.ParseFloat(strings.TrimSpace(stepText), 64)
		if err != nil || !(step > 0) {
			return wrong("the step " + strconv.Quote(stepText) + " is not a number above 0")
		}
	}
	// What the division loses must not lose the last value.
	n := math.Floor((most-least)/step + 1e-9)
	if n >= MaxSwept {
		return wrong(fmt.Sprintf("these are more than %d values", MaxSwept))
	}
	s := Sweep{Name: strings.TrimSpace(name)}
	for i := 0.0; i <= n; i++ {
		s.Values = append(s.Values, math.Round((least+i*step)*1e6)/1e6)
	}
	return s, nil
}

// roundStep is the least of 1, 2, 5, 10, 20, 50 and so on that cuts a distance into
// few values.
func roundStep(distance float64) float64 {
	for scale := 1.0; ; scale *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			if step := digit * scale; distance/step < fewSwept {
				return step
			}
		}
	}
}

// Sets are sets whose rules, all together and in their order, are those for the
// values: the one rule of set with each of them.
func (s Sweep) Sets(set *rules.Set) ([]*rules.Set, error) {
	if n := len(set.Rules()); n != 1 {
		return nil, fmt.Errorf("a sweep is of one rule, and the set has %d: give a file with the one rule", n)
	}
	var swept []rules.Rule
	for i, value := range s.Values {
		r, err := set.WithNumber(0, s.Name, value)
		if err != nil {
			return nil, err
		}
		r.Name = fmt.Sprintf("value_%d", i)
		swept = append(swept, r)
	}
	var sets []*rules.Set
	for len(swept) > 0 {
		n := min(rules.MaxRules, len(swept))
		part, err := rules.New(set.Lateness(), swept[:n])
		if err != nil {
			return nil, fmt.Errorf("with a value of the sweep: %w", err)
		}
		sets, swept = append(sets, part), swept[n:]
	}
	return sets, nil
}
