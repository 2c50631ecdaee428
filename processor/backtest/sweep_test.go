package backtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/event/rules"
)

func TestASweepIsReadOrSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]any{
		"views=50..200":                Sweep{"views", []float64{50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 170, 180, 190, 200}},
		"views=50..200/50":             Sweep{"views", []float64{50, 100, 150, 200}},
		"views = 50 .. 60 / 7":         Sweep{"views", []float64{50, 57}},
		"conversion_rate=0.1..0.5/0.1": Sweep{"conversion_rate", []float64{0.1, 0.2, 0.3, 0.4, 0.5}},
		`count("x")=3..3`:              Sweep{`count("x")`, []float64{3}},
		"views":                        "it has no =",
		"views=50":                     "it has no ..",
		"views=a..5":                   `"a" is not a number`,
		"views=-1..5":                  `"-1" is not a number from 0 on`,
		"views=1..NaN":                 `"NaN" is not a number`,
		"views=1..":                    `"" is not a number`,
		"views=5..1":                   "the greatest value is below the least",
		"views=1..5/0":                 `the step "0" is not a number above 0`,
		"views=1..5/x":                 `the step "x" is not a number above 0`,
		"views=1..1000/1":              "more than 128 values",
		"views=1..1e15/1e-300":         "more than 128 values",
	} {
		got, err := ParseSweep(text)
		switch want := want.(type) {
		case Sweep:
			if err != nil || got.Name != want.Name || !slices.Equal(got.Values, want.Values) {
				t.Errorf("%q: %v, %v; want %v", text, got, err, want)
			}
		case string:
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "views=50..200/10") {
				t.Errorf("%q: %v, %v; want %q", text, got, err, want)
			}
		}
	}
}

func TestASweepIsOfOneRuleThatComparesTheCount(t *testing.T) {
	rule := func(name, when string) rules.Rule {
		return rules.Rule{Name: name, When: when, Window: 10 * time.Minute, Slide: time.Minute}
	}
	for _, c := range []struct {
		sweep string
		rules []rules.Rule
		want  string
	}{
		{"views=1..2", []rules.Rule{rule("a", "views > 1"), rule("b", "carts > 1")}, "a sweep is of one rule, and the set has 2"},
		{"carts=1..2", []rules.Rule{rule("a", "views > 1")}, "does not compare carts with a number"},
		{"views=0..1", []rules.Rule{rule("a", "views >= 1")}, "holds for a window without events"},
	} {
		set, err := rules.New(time.Minute, c.rules)
		if err != nil {
			t.Fatal(err)
		}
		sweep, err := ParseSweep(c.sweep)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sweep.Sets(set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.sweep, err, c.want)
		}
	}
}
