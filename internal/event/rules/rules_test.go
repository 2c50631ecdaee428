package rules_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

func TestW8_AFileSaysAllOfARule(t *testing.T) {
	set, err := rules.Parse([]byte(`# What the shop wants to know at once.
lateness: 30s
rules:
  - name: flash_sale
    when: views>100   and (purchases < 5)
    description: Many look at it and few buy it.
    severity: critical
    notify: false
  - name: removed
    when: >-
      carts >= 20 &&
      cart_removals / carts > 0.8
    window: 1h
    slide: 90s
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []rules.Rule{
		{Name: "flash_sale", When: "views > 100 && purchases < 5", Window: 10 * time.Minute, Slide: time.Minute,
			Description: "Many look at it and few buy it.", Severity: rules.Critical},
		{Name: "removed", When: "carts >= 20 && cart_removals / carts > 0.8", Window: time.Hour, Slide: 90 * time.Second,
			Severity: rules.Warning, Notify: true},
	}
	if got := set.Rules(); !slices.Equal(got, want) {
		t.Fatalf("%+v\nwant %+v", got, want)
	}
	if set.Lateness() != 30*time.Second || set.Pane() != 30*time.Second {
		t.Fatalf("lateness %s, pane %s", set.Lateness(), set.Pane())
	}
	if got := set.Types(); !slices.Equal(got, []string{"view", "purchase", "add_to_cart", "remove_from_cart"}) {
		t.Fatalf("types %v", got)
	}
	if got := set.Counts(1); !slices.Equal(got, []string{"add_to_cart", "remove_from_cart"}) {
		t.Fatalf("the second counts %v", got)
	}
	if got := set.Definition(1); got != "removed(carts>=20,cart_removals/carts>0.8,window=1h0m0s,slide=1m30s,lateness=30s)" {
		t.Fatal(got)
	}
}

func TestW8_TheShortFormIsTheFlashSaleRule(t *testing.T) {
	for _, r := range []event.Rule{
		event.DefaultRule(),
		{ViewsOver: 0, PurchasesUnder: 1, Window: time.Hour, Slide: 90 * time.Second},
		{ViewsOver: 5000, PurchasesUnder: 70, Window: 24 * time.Hour, Slide: time.Minute, Lateness: 250 * time.Millisecond},
	} {
		set, err := rules.FlashSale(r)
		if err != nil {
			t.Fatal(err)
		}
		start := event.Millis(1_700_000_040_000)
		if set.Definition(0) != r.String() || set.AlertID(0, "p1", start) != r.AlertID("p1", start) {
			t.Errorf("%s, want %s", set.Definition(0), r)
		}
		if column, more := set.Needs(0); column != 0 || int(more) != r.ViewsOver {
			t.Errorf("needs more than %d in column %d", more, column)
		}
		for range 1000 {
			views, purchases := rand.IntN(2*r.ViewsOver+3), rand.IntN(2*r.PurchasesUnder+3)
			if set.Qualifies(0, []uint32{uint32(views), uint32(purchases)}) != r.Qualifies(views, purchases) {
				t.Fatalf("%s: %d views, %d purchases", r, views, purchases)
			}
		}
		file := fmt.Sprintf("lateness: %s\nrules: [{name: flash_sale, when: 'views > %d && purchases < %d', window: %s, slide: %s}]",
			r.Lateness, r.ViewsOver, r.PurchasesUnder, r.Window, r.Slide)
		if same, err := rules.Parse([]byte(file)); err != nil || same.Hash() != set.Hash() {
			t.Errorf("the same rule in a file is another set: %v", err)
		}
	}
	if _, err := rules.FlashSale(event.Rule{}); err == nil {
		t.Error("a rule that is not valid makes a set")
	}
}

// Hashes and definitions are on logs: they have to stay as they are.
func TestW8_HashesAndDefinitionsStay(t *testing.T) {
	set, err := rules.New(time.Minute, []rules.Rule{
		{Name: "a", When: `!(views < 3) && count("add_to_list") - 2 * purchases >= 0.5`, Window: time.Hour, Slide: 15 * time.Second, Notify: true, Description: `"<&>" é`},
		{Name: "b", When: "conversion_rate > 2 || refunds != 0", Window: 5 * time.Hour, Slide: time.Hour, Severity: rules.Info},
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]string{
		"default": {rules.Default().Hash(), "447c4849d726ccb48dc5eef5988358d5"},
		"set":     {set.Hash(), "549b708e09398141692615dec727bad6"},
		"bytes of the default": {string(rules.Default().AppendJSON(nil)),
			`{"version":1,"lateness_ms":60000,"rules":[{"name":"flash_sale","when":"views > 100 && purchases < 5","window_ms":600000,"slide_ms":60000,"description":"","severity":"warning","notify":true}]}`},
		"first":  {set.Definition(0), `a(!(views<3),count("add_to_list")-2*purchases>=0.5,window=1h0m0s,slide=15s,lateness=1m0s)`},
		"second": {set.Definition(1), "b(conversion_rate>2||refunds!=0,window=5h0m0s,slide=1h0m0s,lateness=1m0s)"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %s\nwant %s", what, pair[0], pair[1])
		}
	}
}

func TestW8_TheHashCoversAllOfTheSet(t *testing.T) {
	base := rules.Rule{Name: "a", When: "views > 1", Window: time.Hour, Slide: time.Minute, Severity: rules.Warning, Notify: true}
	sets := map[string]string{}
	add := func(what string, lateness time.Duration, change func(*rules.Rule)) {
		r := base
		change(&r)
		set, err := rules.New(lateness, []rules.Rule{r})
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := sets[set.Hash()]; ok {
			t.Errorf("%s and %s have one hash", what, other)
		}
		sets[set.Hash()] = what
	}
	add("base", time.Minute, func(*rules.Rule) {})
	add("lateness", time.Second, func(*rules.Rule) {})
	add("name", time.Minute, func(r *rules.Rule) { r.Name = "b" })
	add("when", time.Minute, func(r *rules.Rule) { r.When = "views > 2" })
	add("window", time.Minute, func(r *rules.Rule) { r.Window = 2 * time.Hour })
	add("slide", time.Minute, func(r *rules.Rule) { r.Slide = 2 * time.Minute })
	add("description", time.Minute, func(r *rules.Rule) { r.Description = "x" })
	add("severity", time.Minute, func(r *rules.Rule) { r.Severity = rules.Info })
	add("notify", time.Minute, func(r *rules.Rule) { r.Notify = false })
}

func TestW8_ConditionsHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"views>1":                     "views > 1",
		"((views > (1)))":             "views > 1",
		"views > 1 and purchases < 2": "views > 1 && purchases < 2",
		"views > 1 && (purchases < 2 && carts < 3)": "views > 1 && purchases < 2 && carts < 3",
		"(views > 1 || carts > 2) && purchases < 2": "(views > 1 || carts > 2) && purchases < 2",
		"(views > 1 && carts > 2) || refunds > 2":   "views > 1 && carts > 2 || refunds > 2",
		"not (views < 1)":                           "!(views < 1)",
		"views - (purchases - carts) > 0":           "views - (purchases - carts) > 0",
		"(views - purchases) - carts > 0":           "views - purchases - carts > 0",
		"views / (2 * purchases) > 1.50":            "views / (2 * purchases) > 1.5",
		"1_000 < views":                             "1000 < views",
		"0x10 < views // sixteen":                   "16 < views",
		"1e3 < views":                               "1000 < views",
		"1 < views < 20":                            "1 < views && views < 20",
		"views > -(2 - 3)":                          "views > -(2 - 3)",
		"+views > -1 * -carts && views > 0":         "views > -1 * -carts && views > 0",
		`count("view") > 1`:                         "views > 1",
		`count('add_to_list') > 1`:                  `count("add_to_list") > 1`,
		"searches + pages + checkouts > wishlists":  "searches + pages + checkouts > wishlists",
	} {
		set, err := rules.New(0, []rules.Rule{{Name: "r", When: text, Window: time.Hour, Slide: time.Hour}})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := set.Rules()[0].When; got != want {
			t.Errorf("%s is spelled %s, want %s", text, got, want)
		}
		again, err := rules.New(0, set.Rules())
		if err != nil || again.Hash() != set.Hash() {
			t.Errorf("%s: the canonical spelling %s is read as another: %v", text, want, err)
		}
	}
}

func TestW8_Conditions(t *testing.T) {
	// views, purchases, carts
	for _, c := range []struct {
		when   string
		counts [3]uint32
		want   bool
	}{
		{"views > 100 && purchases < 5 && conversion_rate < 2", [3]uint32{101, 2, 0}, true},
		{"views > 100 && purchases < 5 && conversion_rate < 2", [3]uint32{101, 3, 0}, false},
		{"views > 0 && conversion_rate == 0", [3]uint32{1, 0, 0}, true},
		{"purchases > 0 && conversion_rate == 0", [3]uint32{0, 3, 0}, true}, // a division by 0 is 0
		{"carts > 0 && purchases / views < 1", [3]uint32{0, 3, 1}, true},
		{"views >= 2.5", [3]uint32{2, 0, 0}, false},
		{"views >= 2.5", [3]uint32{3, 0, 0}, true},
		{"views > 2.5 && views < 3.5", [3]uint32{3, 0, 0}, true},
		{"views == 3", [3]uint32{3, 0, 0}, true},
		{"views == 3.5", [3]uint32{3, 0, 0}, false},
		{"views != 3 && views > 0", [3]uint32{3, 0, 0}, false},
		{"views != 3 && views > 0", [3]uint32{4, 0, 0}, true},
		{"2 * 50 < views", [3]uint32{100, 0, 0}, false},
		{"2 * 50 <= views", [3]uint32{100, 0, 0}, true},
		{"views > 1e12", [3]uint32{1<<32 - 1, 0, 0}, false},
		{"views > 0 && views < 1e12", [3]uint32{1<<32 - 1, 0, 0}, true},
		{"views > 0 && purchases < 0", [3]uint32{1, 0, 0}, false},
		{"views > -1 && carts > 0", [3]uint32{0, 0, 1}, true},
		{"!(views < 3 || purchases > 1)", [3]uint32{3, 1, 0}, true},
		{"!(views < 3 || purchases > 1)", [3]uint32{3, 2, 0}, false},
		{"carts - purchases > 3", [3]uint32{0, 5, 2}, false},
		{"views > 1 && -carts < 0", [3]uint32{2, 0, 1}, true},
	} {
		set, err := rules.New(0, []rules.Rule{{Name: "r", When: c.when, Window: time.Hour, Slide: time.Hour}})
		if err != nil {
			t.Errorf("%s: %v", c.when, err)
		} else if got := set.Qualifies(0, c.counts[:]); got != c.want {
			t.Errorf("%s: with %v it is %v", c.when, c.counts, got)
		}
	}
}

func TestW8_BoundsThatAreCheapToTest(t *testing.T) {
	for when, want := range map[string][2]int{
		"views > 100 && purchases < 5":                    {0, 100},
		"purchases < 5 && views >= 101":                   {0, 100},
		"100 < views && purchases > 200":                  {1, 200},
		"views == 7":                                      {0, 6},
		"views != 0":                                      {0, 0},
		"!(views <= 9)":                                   {0, 9},
		"views > 100 || views > 50 && purchases > 3":      {0, 50},
		"views > 100 || purchases > 10":                   {-1, 10},
		"!(views <= 100 && purchases <= 10)":              {-1, 10},
		"carts + views > 20":                              {-1, 20},
		"views - purchases > 20":                          {-1, 0},
		"views + views > 20":                              {-1, 0},
		"conversion_rate > 2":                             {0, 0},
		"views > 10 && (carts > 20 || cart_removals > 5)": {0, 10},
		"views > 1e12":                                    {0, 1<<32 - 1},
	} {
		set, err := rules.New(0, []rules.Rule{{Name: "r", When: when, Window: time.Hour, Slide: time.Hour}})
		if err != nil {
			t.Errorf("%s: %v", when, err)
		} else if column, more := set.Needs(0); column != want[0] || int(more) != want[1] {
			t.Errorf("%s needs more than %d in column %d, want %v", when, more, column, want)
		}
	}
}

func TestW8_QualifyingAllocatesNothing(t *testing.T) {
	set, err := rules.New(0, []rules.Rule{
		{Name: "a", When: "views > 100 && purchases < 5", Window: time.Hour, Slide: time.Hour},
		{Name: "b", When: "(views - carts * 2 > 7 || !(refunds < 3)) && conversion_rate < 2.5", Window: time.Hour, Slide: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	counts := []uint32{200, 3, 2, 4}
	if n := testing.AllocsPerRun(100, func() {
		if !set.Qualifies(0, counts) || !set.Qualifies(1, counts) {
			t.Fatal("they qualify")
		}
		set.Needs(1)
	}); n > 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestW8_SetsAreStoredAndReadBack(t *testing.T) {
	set := rules.Default()
	stored := string(set.AppendJSON(nil))
	for what, c := range map[string][2]string{
		"as it is":      {stored, ""},
		"newer version": {strings.Replace(stored, `"version":1`, `"version":2`, 1), "run a newer one"},
		"newer field":   {strings.Replace(stored, `"notify"`, `"team":"x","notify"`, 1), "unknown field"},
		"cut off":       {stored[:20], "not a rule set"},
		"two":           {stored + stored, "not a rule set"},
		"no condition":  {strings.Replace(stored, "views > 100", "vews > 100", 1), "not a count"},
	} {
		got, err := rules.Decode([]byte(c[0]))
		switch {
		case c[1] == "" && (err != nil || got.Hash() != set.Hash() || string(got.AppendJSON(nil)) != stored):
			t.Errorf("%s: %v", what, err)
		case c[1] != "" && (err == nil || !strings.Contains(err.Error(), c[1])):
			t.Errorf("%s: %v, want %s", what, err, c[1])
		}
	}
}

func TestW8_NewReportsEveryProblem(t *testing.T) {
	_, err := rules.New(-time.Second, []rules.Rule{
		{Name: "a", When: "views > 100", Window: time.Hour, Slide: time.Hour},
		{When: "views >> 100", Window: time.Hour, Slide: 7 * time.Minute, Severity: "high"},
	})
	if _, ok := errors.AsType[rules.Problems](err); !ok {
		t.Fatal(err)
	}
	const want = `lateness: -1s: give whole milliseconds, at most 24h
rule 2: name: is missing: give the rule a name
rule 2: window: 1h: it has to be a multiple of the slide, 7m
rule 2: severity: "high": give info, warning or critical
rule 2: when: character 8: > stands where a number or a count is expected`
	if err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}
