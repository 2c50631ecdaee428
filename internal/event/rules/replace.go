package rules

import "fmt"

// WithNumber is a rule with another number in place of the one that its condition
// compares with the count of this name: with views and 50,
//
//	views > 100 && purchases < 5
//
// becomes views > 50 && purchases < 5. The name is any that a condition has:
// conversion_rate or count("event_type") too. It is an error where the condition
// compares it with no number, or with several. Whether the rule is valid
// otherwise, New says.
func (s *Set) WithNumber(rule int, name string, value float64) (Rule, error) {
	r := s.rules[rule]
	replaced := 0
	condition := s.judges[rule].condition.replace(func(t *term) *term {
		if t.text(s.types) != name {
			return nil
		}
		replaced++
		return &term{kind: number, value: value}
	})
	switch {
	case replaced == 0:
		return Rule{}, fmt.Errorf("the condition %s of rule %s does not compare %s with a number", r.When, r.Name, name)
	case replaced > 1:
		return Rule{}, fmt.Errorf("the condition %s of rule %s compares %s with %d numbers: only one can be replaced", r.When, r.Name, name, replaced)
	}
	r.When = condition.text(s.types)
	return r, nil
}

// replace is the term with other numbers in comparisons: what of gives for the
// other side of the comparison, unless that is nil.
func (t *term) replace(of func(other *term) *term) *term {
	if t == nil {
		return nil
	}
	changed := *t
	if t.kind != comparison {
		changed.left, changed.right = t.left.replace(of), t.right.replace(of)
		return &changed
	}
	if _, is := t.right.constant(); is {
		if by := of(t.left); by != nil {
			changed.right = by
		}
	} else if _, is := t.left.constant(); is {
		if by := of(t.right); by != nil {
			changed.left = by
		}
	}
	return &changed
}
