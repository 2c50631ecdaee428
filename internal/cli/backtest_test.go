package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/processor/backtest"
	"clickstream/warehouse/warehousetest"
)

// backtestJSON is what alerts backtest --output json prints.
type backtestJSON struct {
	Timezone string
	backtest.Result
}

// pastShop is a shop whose log and tables hold two days from noon to noon. Every
// seven minutes a product has up to eight views. Some come twice.
func pastShop(t *testing.T) (*warehousetest.Shop, []string) {
	t.Helper()
	end := warehousetest.Database(t)
	t.Setenv(envClickHousePassword, end.Password)
	s := warehousetest.NewShopAt(t, brokertest.Options{Partitions: 3, OwnReceiveTimes: true}, end.Config())
	m := s.Mirror()
	var records []*kgo.Record
	noon := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	for minute := range 2 * 24 * 60 / 7 {
		at := noon.Add(time.Duration(minute) * 7 * time.Minute)
		for i := range minute % 9 {
			e := event.Event{
				ID: fmt.Sprint(minute, "-", i), Type: event.TypeView, Timestamp: event.MillisOf(at), UserID: "u", ProductID: fmt.Sprint("p", minute/50), Quantity: 1,
			}
			records = append(records, s.Event(e, at.Add(time.Second)))
			if i == 3 {
				records = append(records, s.Event(e, at.Add(2*time.Second)))
			}
		}
		// It has no product, and nobody counts it.
		search := event.Event{ID: fmt.Sprint("s", minute), Type: event.TypeSearch, Timestamp: event.MillisOf(at), SessionID: "s", Quantity: 1}
		records = append(records, s.Event(search, at.Add(2*time.Second)))
	}
	s.Produce(records...)
	s.WaitStored()
	m.Stop()
	cfg := s.Broker.Config()
	return s, []string{"--data-dir", t.TempDir(), "--kafka-brokers", strings.Join(cfg.Brokers, ","), "--kafka-topic-prefix", cfg.TopicPrefix, "--kafka-partitions", "3",
		"--clickhouse-addr", end.Addr, "--clickhouse-user", end.User, "--clickhouse-database", end.Database}
}

func TestABacktestOfTheTableIsThatOfTheLog(t *testing.T) {
	s, engines := pastShop(t)
	found := func(source string, args ...string) backtestJSON {
		t.Helper()
		status, out, errOut := run(t, append(append([]string{"alerts", "backtest", "--views-over", "6", "--output", "json"}, args...), engines...)...)
		var r backtestJSON
		if err := json.Unmarshal([]byte(out), &r); err != nil || status != exitDone || r.Source != source {
			t.Fatalf("status %d, %v, read from %q, want %q: %s%s", status, err, r.Source, source, out, errOut)
		}
		r.Source, r.Cut = "", false
		return r
	}
	asks := [][]string{
		{},
		{"--from", "2026-03-29"},
		{"--from", "2026-03-29", "--to", "2026-03-29", "--timezone", "Europe/Berlin"},
		{"--to", "2026-03-28"},
		{"--from", "1823-01-01", "--to", "9999-12-31"},
	}
	var fromLog []backtestJSON
	for _, args := range asks {
		fromLog = append(fromLog, found("log", args...))
	}
	if len(fromLog[0].Days) != 3 || fromLog[0].Rules[0].Alerts == 0 || len(fromLog[2].Days) != 1 || fromLog[2].Timezone != "Europe/Berlin" {
		t.Fatalf("too little to compare: %+v", fromLog)
	}
	if got, want := fromLog[1].Days[0], fromLog[0].Days[1]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("of one day %+v, of all %+v", got, want)
	}
	// Retention deletes all but the last events.
	ends, err := s.Broker.EndOffsets(t.Context(), s.ID.Topic)
	if err != nil {
		t.Fatal(err)
	}
	before := make(broker.Offsets)
	for n, end := range ends {
		before[n] = max(0, end-2)
	}
	brokertest.Cut(t, s.Broker, s.ID.Topic, before)
	for i, args := range asks {
		got, want := found("table", args...), fromLog[i]
		for j := range got.Days { // the table may lack later copies
			got.Days[j].Events, want.Days[j].Events = 0, 0
		}
		if got.Events, want.Events = 0, 0; fmt.Sprint(got.Rules, got.Days, got.First, got.Last) != fmt.Sprint(want.Rules, want.Days, want.First, want.Last) {
			t.Errorf("%v: from the table %+v, from the log %+v", args, got, want)
		}
	}
}

// written is how much is on each topic, the groups with their commits, and the rows.
func written(s *warehousetest.Shop) string {
	s.Helper()
	topics := s.Broker.Topics()
	text := ""
	for _, topic := range []string{topics.Events, topics.Inbound, topics.Alerts, topics.Rejected, topics.Rules} {
		text += fmt.Sprint(topic, " ", s.Length(topic), " ")
	}
	admin := kadm.NewClient(s.Broker.Client)
	groups, err := admin.ListGroups(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, group := range groups.Groups() {
		if !strings.HasPrefix(group, s.Broker.Config().TopicPrefix) {
			continue
		}
		commits, err := admin.FetchOffsets(s.Context(), group)
		if err != nil {
			s.Fatal(err)
		}
		text += group
		for _, o := range commits.Sorted() {
			text += fmt.Sprint(" ", o.Topic, "-", o.Partition, " ", o.At)
		}
	}
	return text + fmt.Sprint(s.Number("SELECT count() FROM event_log"), s.Number("SELECT count() FROM alert_log"))
}

func TestABacktestIsPrintedAndWritesNothing(t *testing.T) {
	s, engines := pastShop(t)
	before := written(s)
	file := filepath.Join(t.TempDir(), "rules.yaml")
	text := "rules:\n  - name: hot\n    when: views > 6\n  - name: quiet\n    when: views > 6 && carts < 1\n    notify: false\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, texts []string }{
		{[]string{"--rules", file}, []string{
			"Days are of the zone UTC.", "DAY         RULE   ALERTS  RETRACTED  EPISODES  NOTICES  BUSIEST PRODUCTS",
			"2026-03-28  hot ", "2026-03-28  quiet ", "2026-03-30  hot ", "all days ",
		}},
		{[]string{"--sweep", "views=1..12/5"}, []string{"VIEWS  ALERTS  EPISODES  NOTICES  PER DAY  MOST IN A DAY  CONDITION\n    1  ", "\n   11  ", "views > 6 && purchases < 5\n", "Over 3 days with events."}},
		{[]string{"--sweep", "views=1..12/5", "--output", "json"}, []string{`"sweep": "views"`, `"value": 6,`, `"when": "views > 11 && purchases < 5"`, `"days": 3`}},
	} {
		status, out, errOut := run(t, append(append([]string{"alerts", "backtest"}, c.args...), engines...)...)
		for _, text := range c.texts {
			if status != exitDone || !strings.Contains(out, text) {
				t.Errorf("%v: status %d, no %q in\n%s%s", c.args, status, text, out, errOut)
			}
		}
	}
	if after := written(s); after != before {
		t.Errorf("before there was\n%s\nand after\n%s", before, after)
	}
}

func TestABacktestSaysWhatIsWrong(t *testing.T) {
	_, engines := pastShop(t)
	folder := t.TempDir()
	two := filepath.Join(folder, "two.yaml")
	bad := filepath.Join(folder, "bad.yaml")
	for name, text := range map[string]string{
		two: "rules:\n  - name: a\n    when: views > 6\n  - name: b\n    when: carts > 1\n",
		bad: "rules:\n  - name: a\n    when: vews > 6\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitFailed, "none.yaml: no such file", []string{"--rules", filepath.Join(folder, "none.yaml")}},
		{exitFailed, bad + ": line 3, column 11: rule a: when", []string{"--rules", bad}},
		{exitUsage, "to is 2026-03-01, before from, which is 2026-03-02", []string{"--from", "2026-03-02", "--to", "2026-03-01"}},
		{exitUsage, "give one or the other, not both", []string{"--rules", two, "--views-over", "7"}},
		{exitUsage, "a sweep is of one rule, and the set has 2", []string{"--rules", two, "--sweep", "views=1..2"}},
		{exitUsage, `sweep "views": it has no =`, []string{"--sweep", "views"}},
		{exitUsage, `timezone "Nowhere" is not known`, []string{"--timezone", "Nowhere"}},
		{exitFailed, "no events from 2027-01-01T00:00:00Z before 2027-01-02T00:00:00Z: the event log holds what was received from 2026-03-28T12:00:02Z to 2026-03-30T11:50:02Z, and the table event_log holds events from 2026-03-28T12:00:00.000Z to 2026-03-30T11:50:00.000Z", []string{"--from", "2027-01-01", "--to", "2027-01-01"}},
	} {
		status, out, errOut := run(t, append(append([]string{"alerts", "backtest"}, c.args...), engines...)...)
		if status != c.status || !strings.Contains(errOut, c.want) || out != "" {
			t.Errorf("%v: status %d, said %q, want %q", c.args, status, errOut, c.want)
		}
	}
}

func TestABacktestThatIsInterruptedSaysThatNothingWasWritten(t *testing.T) {
	_, engines := pastShop(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut bytes.Buffer
	status := execute(ctx, append([]string{"alerts", "backtest"}, engines...), strings.NewReader(""), &out, &errOut)
	if status != exitFailed || out.Len() > 0 || errOut.String() != "The backtest was interrupted. Nothing was written.\n" {
		t.Errorf("status %d, printed %s%s", status, &out, &errOut)
	}
}
