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
