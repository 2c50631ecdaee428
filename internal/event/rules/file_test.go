package rules_test

import (
	"strings"
	"testing"

	"clickstream/internal/event/rules"
)

// A file's errors name the line, the column, the rule and the field.
func TestW8_AFilesErrorsNameLineAndField(t *testing.T) {
	rule := func(fields string) string { return "rules:\n  - name: hot\n    " + fields + "\n" }
	for name, c := range map[string]struct{ file, want string }{
		"empty":         {"", "line 1, column 1: not a rules file: it begins with rules: and a list of them"},
		"comments only": {"# none yet\n", "line 1, column 1: not a rules file: it begins with rules: and a list of them"},
		"a list":        {"\n- a\n", "line 2, column 1: not a rules file: it begins with rules: and a list of them"},
		"not YAML":      {"rules:\n\t- x\n", "line 1, column 1: not YAML: line 2: found character that cannot start any token"},
		"two documents": {rule("when: views > 1") + "---\nrules: []\n", "line 1, column 1: not YAML: line 4: a second document begins: keep all rules in the first"},
		"no rules":      {"lateness: 1m\n", "line 1, column 1: rules: there is none: give at least one rule, with name and when"},
		"empty rules":   {"lateness: 1m\nrules: []\n", "line 2, column 8: rules: there is none: give at least one rule, with name and when"},
		"rules no list": {"rules: {name: a}\n", "line 1, column 8: rules: give a list, one rule after each dash"},
		"rule no map":   {"rules:\n  - views > 100\n", "line 2, column 5: rule 1: give fields, such as name and when"},
		"unknown field": {"ruls: []\n", "line 1, column 1: ruls: is not a field: give lateness, rules"},
		"unknown field of a rule": {rule("when: views > 1\n    slid: 1m"),
			"line 4, column 5: rule hot: slid: is not a field: give description, name, notify, severity, slide, when, window"},
		"twice":            {rule("when: views > 1\n    name: b"), "line 4, column 5: rule hot: name: is given twice: give it once"},
		"no name":          {"rules:\n  - when: views > 1\n", "line 2, column 5: rule 1: name: is missing: give the rule a name"},
		"bad name":         {"rules:\n  - {name: Hot!, when: views > 1}\n", `line 2, column 12: rule Hot!: name: "Hot!": give lower-case letters, digits and underscores, beginning with a letter, at most 64`},
		"same name":        {rule("when: views > 1\n  - {name: hot, when: views > 2}"), "line 4, column 12: rule hot: name: rule 1 has this name already: give each rule its own"},
		"no condition":     {rule("slide: 1m"), "line 2, column 5: rule hot: when: is missing: give a condition, such as views > 100 && purchases < 5"},
		"null":             {rule("when:"), "line 3, column 10: rule hot: when: is missing: give a condition, such as views > 100 && purchases < 5"},
		"a tag":            {rule("when: !(views < 3)"), "line 3, column 11: rule hot: when: begins with !, which is a tag in YAML: put the value in quotes"},
		"an alias":         {"rules:\n  - {name: &n hot, when: *n}\n", "line 2, column 26: rule hot: when: give one value, without anchors"},
		"unknown count":    {rule("when: views > 1 && prchases < 5"), `line 3, column 24: rule hot: when: "prchases" is not a count: give views, carts, cart_removals, purchases, refunds, wishlists, checkouts, searches, pages, conversion_rate or count("event_type")`},
		"in quotes":        {rule(`when: "views > 1 && 'x' < 5"`), "line 3, column 25: rule hot: when: \"x\" is not part of a condition: use counts, numbers, + - * /, comparisons, && || ! and parentheses"},
		"folded":           {rule("when: >-\n      views > 1\n        && views ^ 2 > 5"), "line 5, column 18: rule hot: when: ^ is not an operator of a condition: use + - * / < <= > >= == != && ||"},
		"literal":          {rule("when: |\n      views > 1 &&\n      (views && carts)"), "line 5, column 14: rule hot: when: && takes conditions, and one side is a number: compare it, as in views > 100"},
		"over lines":       {rule("when: views > 1\n      && len(views) > 5"), "line 4, column 10: rule hot: when: len(views) is not part of a condition: use counts, numbers, + - * /, comparisons, && || ! and parentheses"},
		"an escape":        {rule(`when: "\u0076iews > 1 && x > 2"`), `line 3, column 11: rule hot: when: "x" is not a count: give views, carts, cart_removals, purchases, refunds, wishlists, checkouts, searches, pages, conversion_rate or count("event_type")`},
		"a number":         {rule("when: views + 1"), "line 3, column 17: rule hot: when: is a number: compare it with another, as in views > 100"},
		"number as rule":   {rule("when: 100"), "line 3, column 11: rule hot: when: is a number: compare it with another, as in views > 100"},
		"conditions added": {rule("when: (views > 1) + (carts > 1) > 1"), "line 3, column 23: rule hot: when: + takes numbers, and one side is a condition: put parentheses round what belongs together"},
		"not of a number":  {rule("when: '!views > 1'"), "line 3, column 12: rule hot: when: ! takes conditions, and one side is a number: compare it, as in views > 100"},
		"a remainder":      {rule("when: views % 2 == 1"), "line 3, column 17: rule hot: when: % is not an operator of a condition: use + - * / < <= > >= == != && ||"},
		"a choice":         {rule("when: 'views > 1 ? true : false'"), "line 3, column 18: rule hot: when: ? and if are not part of a condition: use && and ||"},
		"count of nothing": {rule("when: count(views) > 1"), `line 3, column 11: rule hot: when: count takes an event type in quotes, as in count("add_to_list")`},
		"count of no type": {rule(`when: count("A b") > 1`), `line 3, column 11: rule hot: when: "A b" is not an event type: give lower-case letters, digits and underscores, at most 64`},
		"a huge number":    {rule("when: views > 1e16"), "line 3, column 19: rule hot: when: 1e+16: give 0 or a number from 0.000001 to 10^15"},
		"not finished":     {rule("when: views >"), "line 3, column 17: rule hot: when: ends where a number or a count is expected"},
		"one =":            {rule("when: purchases = 5"), "line 3, column 21: rule hot: when: = is not an operator of a condition: use == to compare"},
		"three =":          {rule("when: purchases === 5"), "line 3, column 21: rule hot: when: === is not an operator of a condition: use == to compare"},
		"=>":               {rule("when: views => 5"), "line 3, column 17: rule hot: when: => is not an operator of a condition: use >= to compare"},
		"<>":               {rule("when: views <> 5"), "line 3, column 17: rule hot: when: <> is not an operator of a condition: use != to compare"},
		"one &":            {rule("when: views > 5 & carts > 2"), "line 3, column 21: rule hot: when: & is not an operator of a condition: use && between conditions that both have to hold"},
		"one |":            {rule("when: views > 5 | carts > 2"), "line 3, column 21: rule hot: when: | is not an operator of a condition: use || between conditions of which one has to hold"},
		"two operators":    {rule("when: views > * 5"), "line 3, column 19: rule hot: when: * stands where a number or a count is expected"},
		"no operator":      {rule("when: views > 5 carts > 2"), "line 3, column 21: rule hot: when: carts stands where an operator is expected, such as && or >"},
		"upper case":       {rule("when: views > 5 AND carts > 2"), "line 3, column 21: rule hot: when: AND: write it in lower case, and"},
		"not closed":       {rule("when: (views + carts > 5"), "line 3, column 11: rule hot: when: a parenthesis is opened and not closed"},
		"not opened":       {rule("when: views > 5) && carts > 1"), "line 3, column 20: rule hot: when: a parenthesis is closed that is not open"},
		"nothing in it":    {rule("when: views > ()"), "line 3, column 20: rule hot: when: ) stands where a number or a count is expected"},
		"braces":           {rule("when: views > 5 {"), "line 3, column 21: rule hot: when: { is not part of a condition: use counts, numbers, + - * /, comparisons, && || ! and parentheses"},
		"if":               {rule("when: if views > 5"), "line 3, column 11: rule hot: when: is not a condition: use counts, numbers, + - * /, comparisons, && || ! and parentheses"},
		"a character":      {rule("when: views § 5"), "line 3, column 17: rule hot: when: \"§\" is not part of a condition: use counts, numbers, + - * /, comparisons, && || ! and parentheses"},
		"10k":              {rule("when: views > 10k"), "line 3, column 21: rule hot: when: a number is followed by a letter: write numbers out, as in 1000 or 0.5"},
		"a long number":    {rule("when: views > 99999999999999999999"), "line 3, column 19: rule hot: when: 99999999999999999999: give 0 or a number from 0.000001 to 10^15"},
		"an open quote":    {rule("when: count('x > 5"), "line 3, column 22: rule hot: when: a quote is opened and not closed"},
		"an empty window":  {rule("when: purchases < 5"), "line 3, column 11: rule hot: when: holds for a window without events: say what has to happen in it, as in views > 100"},
		"a window of none": {rule("when: purchases / views < 0.02"), "line 3, column 11: rule hot: when: holds for a window without events: say what has to happen in it, as in views > 100"},
		"never":            {rule("when: views > 100 && purchases < 5 && views < 50"), "line 3, column 11: rule hot: when: can never hold: no number of views is as all of it asks for"},
		"never, two": {rule("when: views > 1 && count(\"a\") < 0\n  - {name: b, when: views > 1}\n  - {name: c, when: carts > 5 && carts <= 5}"), "line 3, column 11: rule hot: when: can never hold: no number of count(\"a\") is as all of it asks for\n" +
			"line 5, column 21: rule c: when: can never hold: no number of carts is as all of it asks for"},
		"a length":      {rule("when: views > 1\n    window: 10"), `line 4, column 13: rule hot: window: "10" is not a length of time: give one such as 90s, 10m or 1h30m`},
		"a window":      {rule("when: views > 1\n    window: 10m\n    slide: 3m"), "line 4, column 13: rule hot: window: 10m: it has to be a multiple of the slide, 3m"},
		"a long window": {rule("when: views > 1\n    window: 48h\n    slide: 1h"), "line 4, column 13: rule hot: window: 48h: at most 24h"},
		"many slides":   {rule("when: views > 1\n    window: 2h\n    slide: 1s"), "line 4, column 13: rule hot: window: 2h: at most 1440 slides of 1s"},
		"half a second": {rule("when: views > 1\n    slide: 1.5s"), "line 4, column 12: rule hot: slide: 1.5s: give whole seconds, 1s or more"},
		"panes": {rule("when: views > 1\n    window: 24h\n    slide: 1m\n  - {name: b, when: views > 1, window: 61s, slide: 61s}"),
			"line 4, column 13: rule hot: window: 24h: all rules are counted in panes of 1s, the longest time that divides every slide, and a window has at most 1440 of them: give slides that have more in common"},
		"severity": {rule("when: views > 1\n    severity: bad"), `line 4, column 15: rule hot: severity: "bad": give info, warning or critical`},
		"notify":   {rule("when: views > 1\n    notify: maybe"), "line 4, column 13: rule hot: notify: give true or false"},
		"lateness": {"lateness: 25h\n" + rule("when: views > 1"), "line 1, column 11: lateness: 25h: give whole milliseconds, at most 24h"},
		"all of them": {"lateness: soon\n" + rule("when: views\n    slide: x\n  - name: b"),
			"line 1, column 11: lateness: \"soon\" is not a length of time: give one such as 90s, 10m or 1h30m\n" +
				"line 4, column 11: rule hot: when: is a number: compare it with another, as in views > 100\n" +
				"line 5, column 12: rule hot: slide: \"x\" is not a length of time: give one such as 90s, 10m or 1h30m\n" +
				"line 6, column 5: rule b: when: is missing: give a condition, such as views > 100 && purchases < 5"},
		"many rules": {"rules:\n" + strings.Repeat("  - {}\n", 33), ""},
		"many types": {rule(`when: ` + manyTypes(15) + " > 1"), "line 3, column 221: rule hot: when: counts t14: the rules of a set count at most 16 event types, view and purchase included"},
		"long":       {rule("when: views > 1" + strings.Repeat(" && views > 1", 90)), "line 3, column 11: rule hot: when: 1179 bytes: at most 1000"},
		"large file": {strings.Repeat("#", rules.MaxFile+1), "line 1, column 1: the file has more than 1048576 bytes: is it a rules file?"},
	} {
		_, err := rules.Parse([]byte(c.file))
		switch {
		case err == nil:
			t.Errorf("%s: no error", name)
		case name == "many rules":
			if !strings.Contains(err.Error(), "line 2, column 3: rules: there are 33: give at most 32\n") {
				t.Errorf("%s: %v", name, err)
			}
		case err.Error() != c.want:
			t.Errorf("%s:\n%v\nwant\n%s", name, err, c.want)
		}
	}
}

func manyTypes(n int) string {
	var counts []string
	for i := range n {
		counts = append(counts, `count("t`+string(rune('0'+i/10))+string(rune('0'+i%10))+`")`)
	}
	return strings.Join(counts, " + ")
}
