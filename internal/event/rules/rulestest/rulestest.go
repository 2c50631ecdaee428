// Package rulestest is for tests alone: rule sets made at random.
package rulestest

import (
	"math/rand/v2"
	"strconv"
	"time"

	"clickstream/internal/event/rules"
)

// Set is a set of one rule with a condition made at random; conditions that are
// refused are made again.
func Set(rnd *rand.Rand) *rules.Set {
	for {
		set, err := rules.New(time.Minute, []rules.Rule{{Name: "r", When: condition(rnd, 3), Window: time.Hour, Slide: time.Minute}})
		if err == nil {
			return set
		}
	}
}

func condition(rnd *rand.Rand, depth int) string {
	if depth > 0 {
		switch rnd.IntN(6) {
		case 0:
			return "!(" + condition(rnd, depth-1) + ")"
		case 1:
			return "(" + condition(rnd, depth-1) + " || " + condition(rnd, depth-1) + ")"
		case 2, 3:
			return "(" + condition(rnd, depth-1) + " && " + condition(rnd, depth-1) + ")"
		}
	}
	op := []string{"<", "<=", ">", ">=", "==", "!="}[rnd.IntN(6)]
	return amount(rnd, depth) + op + amount(rnd, depth)
}

func amount(rnd *rand.Rand, depth int) string {
	if depth > 0 && rnd.IntN(4) == 0 {
		return "(" + amount(rnd, depth-1) + string("+-*/"[rnd.IntN(4)]) + amount(rnd, depth-1) + ")"
	}
	switch rnd.IntN(3) {
	case 0:
		return strconv.Itoa(rnd.IntN(6))
	case 1:
		return []string{"0.5", "1.5", "2.5", "-1", "-0.5"}[rnd.IntN(5)]
	}
	return []string{"views", "purchases", "carts", "conversion_rate"}[rnd.IntN(4)]
}
