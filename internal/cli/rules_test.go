package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/instance/shoptest"
	"clickstream/warehouse/warehousetest"
)

func TestW8_ARulesFileIsChecked(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", "rules:\n  - name: hot\n    when: views>100 and conversion_rate < 2\n    description: \"Hot.\\e[31m\"\n    notify: false\n")
	bad := file("bad.yaml", "rules:\n  - name: hot\n    when: vews > 100\n  - name: cold\n    window: soon\n    when: views > 1\n")

	status, out, errOut := run(t, "alerts", "rules", "check", good)
	for _, want := range []string{"set ", "lateness 1m\n", "\nhot (warning, does not notify)\n", "  Hot.\\x1b[31m\n", "views > 100 && conversion_rate < 2\n", "10m, a new one every 1m\n", "counts  view, purchase\n"} {
		if status != exitDone || !strings.Contains(out, want) || errOut != "" {
			t.Errorf("status %d, no %q in %s%s", status, want, out, errOut)
		}
	}
	status, out, errOut = run(t, "alerts", "rules", "check", "--output", "json", good)
	var shown struct {
		File string
		shownSet
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil || status != exitDone || shown.File != good || len(shown.Set) != 32 || len(shown.Rules) != 1 || shown.Rules[0].When != "views > 100 && conversion_rate < 2" {
		t.Errorf("status %d, %+v from %s%s (%v)", status, shown, out, errOut, err)
	}

	status, out, errOut = run(t, "alerts", "rules", "check", bad)
	if want := bad + ": line 3, column 11: rule hot: when: \"vews\" is not a count"; status != exitFailed || out != "" || !strings.HasPrefix(errOut, want) ||
		!strings.Contains(errOut, "\n"+bad+": line 5, column 13: rule cold: window: \"soon\" is not a length of time") {
		t.Errorf("status %d, %s, said %s", status, out, errOut)
	}
	status, out, _ = run(t, "alerts", "rules", "check", "--output", "json", bad)
	var found struct{ Problems []rules.Problem }
	if err := json.Unmarshal([]byte(out), &found); err != nil || status != exitFailed || len(found.Problems) != 2 || found.Problems[1].Line != 5 || found.Problems[1].Field != "window" {
		t.Errorf("status %d, %+v from %s (%v)", status, found, out, err)
	}
	if status, _, errOut = run(t, "alerts", "rules", "check", filepath.Join(folder, "none.yaml")); status != exitFailed || !strings.Contains(errOut, "none.yaml: no such file") {
		t.Errorf("a file that is not there: status %d, %s", status, errOut)
	}
}

// shopWithTables is a shop of a test's own, and the flags that name it.
func shopWithTables(t *testing.T) (*warehousetest.Shop, []string) {
	t.Helper()
	end := warehousetest.Database(t)
	t.Setenv(envClickHousePassword, end.Password)
	s := warehousetest.NewShopAt(t, brokertest.Options{Partitions: 3}, end.Config())
	cfg := s.Broker.Config()
	return s, []string{"--data-dir", t.TempDir(), "--kafka-brokers", strings.Join(cfg.Brokers, ","), "--kafka-topic-prefix", cfg.TopicPrefix, "--kafka-partitions", "3",
		"--clickhouse-addr", end.Addr, "--clickhouse-user", end.User, "--clickhouse-database", end.Database}
}

func TestW8_TheSetInForceIsShownAndThoseBefore(t *testing.T) {
	s, engines := shopWithTables(t)
	s.Mirror()
	want := func(args []string, texts ...string) {
		t.Helper()
		status, out, errOut := run(t, append(append([]string{"alerts", "rules"}, args...), engines...)...)
		for _, text := range texts {
			if status != exitDone || !strings.Contains(out, text) {
				t.Errorf("%v: status %d, no %q in %s%s", args, status, text, out, errOut)
			}
		}
	}
	want([]string{"show"}, "No rule set has been put in force on this log", "views > 100 && purchases < 5")
	want([]string{"history"}, "no rule set has been put in force")

	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	first, err := rules.New(time.Minute, []rules.Rule{{Name: "carts", When: "carts > 3", Window: time.Hour, Slide: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	for i, set := range []*rules.Set{first, rules.Default()} {
		if err := s.Broker.PutRulesInForce(t.Context(), set, at.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	want([]string{"show"}, "In force since 2026-11-22T11:00:00Z in partitions 0, 1, 2\n", "set "+rules.Default().Hash(), "flash_sale (warning)")
	want([]string{"show", "--output", "json"}, `"set":"`+rules.Default().Hash()+`"`, `"places":[{"partition":0,"offset":1},`)
	want([]string{"history"}, "2026-11-22T10:00:00Z  "+first.Hash()[:8]+"  0, 1, 2     carts\n2026-11-22T11:00:00Z  "+rules.Default().Hash()[:8]+"  0, 1, 2     flash_sale\n")
	want([]string{"history", "--output", "json"}, `"applied_at":"2026-11-22T10:00:00Z"`, `"when":"carts > 3"`, `"applied_at":"2026-11-22T11:00:00Z"`)
}

func TestAlertsAreShownAndChosenByTheirRule(t *testing.T) {
	s, engines := shopWithTables(t)
	s.Mirror()
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	alert := func(id, rule string) {
		s.Produce(s.Alert(event.Alert{ID: id + strings.Repeat("0", 31), Rule: rule, ProductID: "product" + id, WindowStart: start, WindowEnd: start.Add(time.Hour), Status: event.Firing, Views: 9, Exact: true}))
		s.WaitStored()
	}
	listed := func(args ...string) string {
		t.Helper()
		status, out, errOut := run(t, append(append([]string{"alerts", "list"}, args...), engines...)...)
		if status != exitDone {
			t.Errorf("status %d, %s", status, errOut)
		}
		return out
	}
	const sale, strict, carts = "flash_sale(views>100,purchases<5,window=10m0s)", "flash_sale(views>200,purchases<5,window=10m0s)", "carts(carts>3,window=1h0m0s)"
	alert("1", sale)
	if out := listed(); strings.Contains(out, "RULE") || strings.Contains(out, "flash_sale") || !strings.Contains(out, "product1") {
		t.Errorf("alerts of one rule: %s", out)
	}
	alert("2", carts)
	if out := listed(); !strings.Contains(out, "PURCHASES  RULE\n") || !strings.Contains(out, "0  flash_sale\n") || !strings.Contains(out, "0  carts\n") {
		t.Errorf("alerts of two rules: %s", out)
	}
	alert("3", strict)
	if out := listed(); !strings.Contains(out, "0  flash_sale(views>100,purchases<5,window=10m)\n") || !strings.Contains(out, "0  flash_sale(views>200,purchases<5,window=10m)\n") || !strings.Contains(out, "0  carts\n") {
		t.Errorf("rules with one name: %s", out)
	}
	if out := listed("--rule", "carts"); strings.Contains(out, "RULE") || strings.Contains(out, "product1") || !strings.Contains(out, "product2") {
		t.Errorf("the alerts of one rule: %s", out)
	}
	set, err := rules.New(time.Minute, []rules.Rule{{Name: "quiet", When: "views > 9", Window: time.Hour, Slide: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Broker.StoreRules(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	if out := listed("--rule", "quiet"); out != "no alerts\n" {
		t.Errorf("the alerts of a rule that has none: %s", out)
	}
	for _, command := range [][]string{{"alerts", "--rule", "cart"}, {"alerts", "--windows", "--rule", "cart"}, {"alerts", "silence", "--rule", "cart", "--for", "1h", "--by", "ann"}} {
		status, out, errOut := run(t, append(command, engines...)...)
		if status != exitFailed || out != "" || !strings.Contains(errOut, `there is no rule "cart": those of this log are carts, flash_sale, quiet`+"\n") {
			t.Errorf("%v: status %d, %s%s", command, status, out, errOut)
		}
	}
	if status, _, errOut := run(t, append([]string{"alerts", "silence", "--rule", "carts", "--for", "1h", "--by", "ann"}, engines...)...); status != exitDone {
		t.Errorf("a rule that only alerts name is silenced: status %d, %s", status, errOut)
	}
	if status, _, errOut := run(t, append([]string{"alerts", "--rule", sale}, engines...)...); status != exitUsage || !strings.Contains(errOut, "is not a name") {
		t.Errorf("a definition in place of a name: status %d, %s", status, errOut)
	}
}

const twoRules = `rules:
  - name: flash_sale
    when: views > 10 && purchases < 5
  - name: in_carts
    when: carts > 1
    window: 1h
    slide: 10m
`

func rulesFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestW8_ARulesFileIsAppliedAndSaysWhatItChanges(t *testing.T) {
	s, engines := shopWithTables(t)
	s.Mirror()
	file := rulesFile(t, twoRules)
	applied := func(file string, more ...string) string {
		t.Helper()
		status, out, errOut := run(t, append(append([]string{"alerts", "rules", "apply", file}, more...), engines...)...)
		if status != exitDone {
			t.Errorf("status %d, %s", status, errOut)
		}
		return out
	}
	out := applied(file)
	for _, want := range []string{
		"is in force in all 3 partitions\n", "\nflash_sale changed\n  before: views > 100 && purchases < 5 in 10m every 1m, lateness 1m, ", "\n  now: views > 10 && purchases < 5", "\nin_carts added\n  now: carts > 1",
		"windows that start after the newest event",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
	length := s.Length(s.ID.Topic)
	if out := applied(file); !strings.Contains(out, "already: nothing has changed") || s.Length(s.ID.Topic) != length {
		t.Errorf("applied again: %s; %d records came to the log", out, s.Length(s.ID.Topic)-length)
	}
	status, out, errOut := run(t, append([]string{"alerts", "rules", "apply", rulesFile(t, strings.Replace(twoRules, "purchases < 5", "purchases < 3", 1)), "--within", "1ns"}, engines...)...)
	if status != exitFailed || out != "" || !strings.Contains(errOut, "the rules are not in force in all partitions within 1ns: nothing has changed; ") || strings.Contains(errOut, "context") || s.Length(s.ID.Topic) != length {
		t.Errorf("applied too late: status %d, %s%s", status, out, errOut)
	}
	if err := (&rulesApplyCmd{Within: time.Minute}).late(true, io.ErrUnexpectedEOF); !strings.Contains(err.Error(), "they may be in force in some partitions already") || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("applied in part: %v", err)
	}
	first, _, _ := strings.Cut(strings.Replace(twoRules, "purchases < 5", "purchases < 4", 1), "  - name: in_carts")
	out = applied(rulesFile(t, first), "--output", "json")
	var done appliedSet
	if err := json.Unmarshal([]byte(out), &done); err != nil || !done.Changed || done.Partitions != 3 || len(done.Before) != 1 || len(done.Rules) != 2 || done.Rules[1].What != "removed" {
		t.Errorf("%+v from %s (%v)", done, out, err)
	}
}

func TestW8_RulesAreGivenByAFileOrByFlags(t *testing.T) {
	bad := rulesFile(t, "rules:\n  - name: hot\n    when: vews > 100\n")
	for _, command := range [][]string{{"serve", "--rules"}, {"demo", "--rules"}, {"analyze", "testdata/shop.csv", "--rules"}, {"alerts", "rules", "apply"}} {
		status, _, errOut := run(t, append(command, bad)...)
		if status != exitFailed || !strings.Contains(errOut, bad+": line 3, column 11: rule hot: when: ") {
			t.Errorf("%v: status %d, %s", command, status, errOut)
		}
	}
	for want, command := range map[string][]string{
		"serve: --rules ": {"serve", "--rules"}, "demo: --rules ": {"demo", "--rules"}, "alerts rules apply: rules file ": {"alerts", "rules", "apply"}, "alerts rules check: rules file ": {"alerts", "rules", "check"},
	} {
		status, _, errOut := run(t, append(command, "nosuch.yaml")...)
		if status != exitFailed || errOut != "clickstream "+want+"nosuch.yaml: no such file or directory\n" {
			t.Errorf("%v without the file: status %d, %s", command, status, errOut)
		}
	}
	if status, _, errOut := run(t, "serve", "--rules", rulesFile(t, twoRules), "--views-over", "7"); status != exitUsage || !strings.Contains(errOut, "give one or the other, not both") {
		t.Errorf("both: status %d, %s", status, errOut)
	}
}

func TestW8_AnalyzeJudgesByTheRulesOfAFile(t *testing.T) {
	file, folder := rulesFile(t, twoRules), t.TempDir()
	found := analyzed(t, "--data-dir", folder, "--rules", file, "testdata/shop.csv")
	byRule := map[string][]shoptest.Alert{}
	for i, a := range alertsOf(found) {
		name := event.RuleName(found.Alerts[i].Rule)
		byRule[name] = append(byRule[name], a)
	}
	shoptest.SameAlerts(t, byRule["flash_sale"], shoptest.BruteForce(shoptest.Rows(t, "testdata/shop.csv"), 10, 5))
	if len(byRule["in_carts"]) == 0 {
		t.Errorf("no alert of the second rule: %v", found.Alerts)
	}
	// Without rules those in force on the folder's log stay.
	status, out, errOut := run(t, "analyze", "--data-dir", folder, "testdata/shop.csv")
	if status != exitDone || !strings.Contains(out, "Flash sales: more than 10 views and fewer than 5 purchases within 10m") || !strings.Contains(out, "in_carts: carts > 1 within 1h") {
		t.Errorf("status %d, %s%s", status, out, errOut)
	}
}
