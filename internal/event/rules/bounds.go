package rules

import "math"

// Bounds are the least and the most that the rule's condition lets a column
// count. It is all that the condition asks for where alone is true: then a
// product in a window qualifies exactly if every column lies within its bounds.
func (s *Set) Bounds(rule, column int) (least, most uint32, alone bool) {
	j := &s.judges[rule]
	most = math.MaxUint32
	for _, b := range j.bounds {
		if b.column == column {
			least, most = max(least, b.least), min(most, b.most)
		}
	}
	return least, most, len(j.rest) == 0
}

// impossible reports the rules under which no window can qualify, as far as the
// bounds show it. Only a file is refused for that: on a log there may be such sets.
func (s *Set) impossible() Problems {
	var problems Problems
	for i := range s.rules {
		for column, eventType := range s.types {
			if least, most, _ := s.Bounds(i, column); least > most {
				p := s.rules[i].problem(i, "when", "can never hold: no number of %s is as all of it asks for", countName(eventType))
				p.offset = 0
				problems = append(problems, p)
			}
		}
	}
	return problems.withNames(s.rules)
}
