package rules_test

import (
	"strings"
	"testing"
	"time"

	"clickstream/internal/event/rules"
)

func TestANumberOfAConditionIsReplaced(t *testing.T) {
	for _, c := range []struct{ when, name, want string }{
		{"views > 100 && purchases < 5", "views", "views > 7 && purchases < 5"},
		{"views > 100 && purchases < 5", "purchases", "views > 100 && purchases < 7"},
		{"100 < views || carts > 3", "views", "7 < views || carts > 3"},
		{"views > 10 * 10", "views", "views > 7"},
		{"!(conversion_rate >= 2) && views > 1", "conversion_rate", "!(conversion_rate >= 7) && views > 1"},
		{`count("add_to_list") > 3 && views > carts`, `count("add_to_list")`, `count("add_to_list") > 7 && views > carts`},
		{"views > carts && purchases > 1", "views", "does not compare views with a number"},
		{"views > 100 && purchases < 5", "view", "does not compare view with a number"},
		{"views > 100 && views < 200", "views", "compares views with 2 numbers"},
		{"views / carts > 3", "views", "does not compare views with a number"},
	} {
		set, err := rules.New(time.Minute, []rules.Rule{{Name: "r", When: c.when, Window: time.Hour, Slide: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		before := set.Definition(0)
		r, err := set.WithNumber(0, c.name, 7)
		if err == nil && (r.When != c.want || r.Window != time.Hour || r.Name != "r") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with 7 for %s: %+v, %v; want %s", c.when, c.name, r, err, c.want)
		}
		if set.Definition(0) != before {
			t.Errorf("the set has changed to %s", set.Definition(0))
		}
	}
}
