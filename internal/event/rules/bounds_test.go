package rules

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Such a set may have been put in force before files were checked for it.
func TestW8_ASetOnTheLogMayNeverHold(t *testing.T) {
	s, err := New(0, []Rule{{Name: "r", When: "views > 9 && views < 3", Window: time.Minute, Slide: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(s.AppendJSON(nil)); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]byte("rules: [{name: r, when: views > 9 && views < 3}]")); err == nil {
		t.Error("a file with such a rule is taken")
	}
}

func TestW8_AConditionThatIsBoundsAlone(t *testing.T) {
	type bounds struct{ least, most uint32 }
	for when, want := range map[string]struct {
		views, purchases bounds
		alone            bool
	}{
		"views > 100 && purchases < 5":            {bounds{101, math.MaxUint32}, bounds{0, 4}, true},
		"views > 3 && views >= 5 && views <= 9":   {bounds{5, 9}, bounds{0, math.MaxUint32}, true},
		"views > 9 && views < 3 && 2 > purchases": {bounds{10, 2}, bounds{0, 1}, true},
		"views > 3 && conversion_rate < 2":        {bounds{4, math.MaxUint32}, bounds{0, math.MaxUint32}, false},
		"views > 3 || purchases > 1":              {bounds{0, math.MaxUint32}, bounds{0, math.MaxUint32}, false},
	} {
		s, err := New(0, []Rule{{Name: "r", When: when, Window: time.Minute, Slide: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		var got [2]bounds
		alone := false
		for column := range got {
			got[column].least, got[column].most, alone = s.Bounds(0, column)
		}
		if got != [2]bounds{want.views, want.purchases} || alone != want.alone {
			t.Errorf("%s: %v, alone %v", when, got, alone)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 1000 {
			counts := make([]uint32, MaxTypes)
			within := true
			for column, b := range got {
				counts[column] = rng.Uint32N(12)
				within = within && counts[column] >= b.least && counts[column] <= b.most
			}
			if q := s.Qualifies(0, counts); q && !within || alone && q != within {
				t.Fatalf("%s: %v qualify: %v, lie within the bounds: %v", when, counts[:2], q, within)
			}
		}
	}
}
