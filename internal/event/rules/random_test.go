package rules_test

import (
	"math/rand/v2"
	"testing"

	"clickstream/internal/event/rules"
	"clickstream/internal/event/rules/rulestest"
)

// No window qualifies with less than the bound asks for, and a condition's
// canonical spelling is the same condition.
func TestW8_BoundsAreNeverWrong(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	qualified := 0
	for range 20_000 {
		set := rulestest.Set(rnd)
		column, more := set.Needs(0)
		again, err := rules.Decode(set.AppendJSON(nil))
		if err != nil || again.Hash() != set.Hash() || again.Definition(0) != set.Definition(0) {
			t.Fatalf("%s is stored and read as another: %v", set.Rules()[0].When, err)
		}
		for range 100 {
			counts := make([]uint32, rules.MaxTypes)
			sum := uint32(0)
			for i := range set.Types() {
				counts[i] = rnd.Uint32N(7)
				sum += counts[i]
			}
			qualifies := set.Qualifies(0, counts)
			if again.Qualifies(0, counts) != qualifies {
				t.Fatalf("%s, stored and read: another answer with %v", set.Rules()[0].When, counts)
			}
			if !qualifies {
				continue
			}
			qualified++
			if column >= 0 && counts[column] <= more || column < 0 && sum <= more {
				t.Fatalf("%s qualifies with %v, and needs more than %d in column %d", set.Rules()[0].When, counts, more, column)
			}
		}
	}
	if qualified < 100_000 {
		t.Fatalf("only %d windows qualified", qualified)
	}
}

// Any file is a set, which survives being stored, or is an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"rules:\n  - name: a\n    when: views > 100 && purchases < 5\n",
		"lateness: 0s\nrules: [{name: b, when: '!(carts/views <= 1e3) || count(\"x\") == -(2)', window: 1h, slide: 30m, severity: info, notify: no}]",
		"rules:\n  - when: >-\n      views\n      > 1 ? 2 : [3]\n    description: \"\\u00e9\"\n",
		"a: &a [*a]\n---\n...\n",
		"rules: [{name: a, when: \"let x = views; x > 1\"}]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := rules.Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a message")
			}
			return
		}
		stored := set.AppendJSON(nil)
		again, err := rules.Decode(stored)
		if err != nil {
			t.Fatalf("%s: %v", stored, err)
		}
		if again.Hash() != set.Hash() || string(again.AppendJSON(nil)) != string(stored) {
			t.Fatalf("%s is read as %s", stored, again.AppendJSON(nil))
		}
		none := make([]uint32, rules.MaxTypes)
		for i := range set.Rules() {
			if set.Qualifies(i, none) {
				t.Fatalf("%s: a window without events qualifies", stored)
			}
		}
	})
}
