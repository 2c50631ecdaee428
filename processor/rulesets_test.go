package processor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/internal/testwait"
	"clickstream/processor/windows/windowstest"
)

// viewsOver is smallRule with another bound.
func viewsOver(n int) event.Rule {
	rule := smallRule
	rule.ViewsOver = n
	return rule
}

func setOf(rule event.Rule) *rules.Set { return windowstest.Model{Rule: rule}.First() }

func newSet(t *testing.T, of ...rules.Rule) *rules.Set {
	t.Helper()
	set, err := rules.New(time.Minute, of)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func apply(s *brokertest.Shop, set *rules.Set) {
	s.Helper()
	if _, err := s.Broker.ApplyRules(testwait.Context(s), set, time.Now()); err != nil {
		s.Fatal(err)
	}
}

func waitCounted(s *brokertest.Shop) {
	s.Helper()
	if err := WaitAcknowledged(testwait.Context(s), s.Broker, endsOf(s, s.ID.Topic)); err != nil {
		s.Fatal(err)
	}
}

func TestW8_TheRulesChangeWhileThreeInstancesRunAndOneIsKilled(t *testing.T) {
	s := newShop(t)
	arrivals := someHours(21, 6000)
	next := func(n int) {
		produce(s, arrivals[:n]...)
		arrivals = arrivals[n:]
	}
	carts := newSet(t,
		rules.Rule{Name: "flash_sale", When: "views > 10 && purchases < 2", Window: 10 * time.Minute, Slide: time.Minute},
		rules.Rule{Name: "bought", When: "purchases > 1", Window: 15 * time.Minute, Slide: 5 * time.Minute})
	next(1000)
	dies, stays, leaves := start(s, smallRule, killed), start(s, smallRule, nil), start(s, smallRule, nil)
	testwait.Until(t, "each has partitions", func() bool {
		return min(dies.Stats().Partitions, stays.Stats().Partitions, leaves.Stats().Partitions) > 0
	})
	apply(s, setOf(viewsOver(5)))
	next(1000)
	testwait.Until(t, "the one that is to be killed has read the change", func() bool { return dies.Stats().Rules > 0 && dies.Stats().Alerts > 0 })
	apply(s, carts)
	next(1000)
	dies.Stop()
	apply(s, setOf(viewsOver(5)))
	apply(s, setOf(smallRule)) // before any event: the windows of the set before it are its own
	next(1000)
	apply(s, carts)
	next(1000)
	leaves.Stop()
	next(1000)
	stays.close()
	named := map[string]int{}
	for _, a := range checkAll(s, smallRule) {
		named[event.RuleName(a.Rule)]++
		if a.Status == event.Firing || !a.Exact {
			t.Errorf("%v is left", a)
		}
	}
	if named["bought"] == 0 || named["flash_sale"] == 0 {
		t.Errorf("too few alerts to compare: %v", named)
	}
	if st := stays.Stats(); st.Rules == 0 || st.InvalidRules > 0 {
		t.Errorf("%+v", st)
	}
}

// A deploy that goes back and forth between two sets read the whole log each time,
// and alerts of the other rule stayed firing.
func TestW8_RollingBackAndForthLeavesNothingFiringAndReadsNothingAgain(t *testing.T) {
	s := newShop(t)
	arrivals := someHours(22, 5000)
	var log testwait.Output
	last := map[int32]broker.Commit{}
	for round := range 5 {
		apply(s, setOf(viewsOver(10+5*(round%2))))
		produce(s, arrivals[:1000]...)
		arrivals = arrivals[1000:]
		p, err := New(Config{Broker: s.Broker, Log: zerolog.New(&log)})
		if err != nil {
			t.Fatal(err)
		}
		run := testwait.Run(t, p.Run)
		waitCounted(s)
		if round == 4 {
			running{p, run, t}.close()
		}
		run.Stop()
		for n, c := range committed(s) {
			if c.Offset < last[n].Offset {
				t.Errorf("round %d: partition %d was committed at %d and then at %d", round, n, last[n].Offset, c.Offset)
			}
			last[n] = c
		}
	}
	for _, a := range checkAll(s, event.DefaultRule()) {
		if a.Status == event.Firing || !a.Exact {
			t.Errorf("%v is left", a)
		}
	}
	if strings.Contains(log.String(), "from its beginning") {
		t.Errorf("the log was read again: %s", log.String())
	}
}

func TestW8_AChangeBeyondTheSetsThatFitIsPassedOverAndSaidSo(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{OwnReceiveTimes: true, Partitions: 1})
	var arrivals []arrival
	for i := range 9 {
		at := noon + event.Millis(i)*61_000
		arrivals = append(arrivals, arrival{received: at, Event: event.Event{
			ID: fmt.Sprint("e", i), Type: event.TypeView, Timestamp: at, UserID: "u", ProductID: "p", Quantity: 1,
		}})
	}
	for i, a := range arrivals {
		set := newSet(t, rules.Rule{Name: "r", When: fmt.Sprintf("views > %d", 100+i), Window: time.Hour, Slide: time.Minute})
		if err := s.Broker.PutRulesInForce(t.Context(), set, time.Now()); err != nil { // ApplyRules would refuse the ninth
			t.Fatal(err)
		}
		produce(s, a)
	}
	var log testwait.Output
	p, err := New(Config{Broker: s.Broker, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	testwait.Run(t, p.Run)
	testwait.Until(t, "the ninth set is passed over", func() bool { return p.Stats().InvalidRules == 1 && p.Stats().Events == 9 })
	if !strings.Contains(log.String(), "passed over a change of rules") {
		t.Errorf("logged %s", log.String())
	}
}

func TestW8_AChangeToAnUnknownSetHoldsUpItsPartitionAlone(t *testing.T) {
	s := newShop(t)
	unknown, partition := setOf(viewsOver(2)), event.Partition("p", s.ID.Partitions)
	s.Produce(broker.RulesRecord(s.ID.Topic, partition, event.RulesChange{Hash: unknown.Hash(), At: noon}))
	produce(s, views("p", 0, 3)...)
	var log testwait.Output
	p, err := newBy(smallRule, Config{Broker: s.Broker, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	run := running{p, testwait.Run(t, p.Run), t}
	testwait.Until(t, "it says what it waits for", func() bool {
		return strings.Contains(log.String(), fmt.Sprintf("%s-%d from offset 0 on", s.ID.Topic, partition)) &&
			strings.Contains(log.String(), "rule set "+unknown.Hash()) && strings.Contains(log.String(), "store its rules file")
	})
	other := "q"
	for i := 0; event.Partition(other, s.ID.Partitions) == partition; i++ {
		other = fmt.Sprint("q", i)
	}
	produce(s, views(other, 0, smallRule.ViewsOver+1)...)
	testwait.Until(t, "the others are read on", func() bool { return len(alertsOf(s, other)) > 0 })
	produce(s, views("p", 3, 1)...)
	if alerts := alertsOf(s, "p"); len(alerts) > 0 {
		t.Errorf("emitted without the set: %v", alerts)
	}
	if err := s.Broker.StoreRules(testwait.Context(t), unknown); err != nil {
		t.Fatal(err)
	}
	testwait.Until(t, "it goes on once the set is stored", func() bool { return len(alertsOf(s, "p")) > 0 })
	run.close()
	checkAll(s, smallRule)
}

func TestW8_ACommitOfAnUnknownSetIsContinuedOnceTheSetIsStored(t *testing.T) {
	s := newShop(t)
	arrivals := someHours(23, 2000)
	produce(s, arrivals[:1000]...)
	first := start(s, smallRule, nil)
	waitCounted(s)
	first.Stop()
	before := committed(s)
	var log testwait.Output
	p, err := New(Config{Broker: s.Broker, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	run := running{p, testwait.Run(t, p.Run), t}
	testwait.Until(t, "it says that it cannot continue", func() bool {
		return strings.Contains(log.String(), "rule set "+setOf(smallRule).Hash()) && strings.Contains(log.String(), "the commit of "+s.ID.Topic)
	})
	apply(s, setOf(smallRule))
	produce(s, arrivals[1000:]...)
	run.close()
	check(s, smallRule)
	for n, c := range committed(s) {
		if c.Offset < before[n].Offset {
			t.Errorf("partition %d was committed at %d and then at %d", n, before[n].Offset, c.Offset)
		}
	}
}

// version1 is how the first version wrote the metadata of a log that smallRule
// judges.
func version1(metadata string) string {
	_, rest, _ := strings.Cut(metadata, "acknowledged=")
	rest, after, _ := strings.Cut(rest, " newest=")
	_, judged, _ := strings.Cut(after, " ")
	judged, _, _ = strings.Cut(judged, " ") // the first version knew nothing after it
	return "1 rule=" + smallRule.Hash() + " told=" + rest + " " + judged
}

// An instance of the first version was given another rule than the default one in
// flags, which are on no log. Its successor puts the rule of the same flags in force
// before it begins.
func TestW8_W6_AnInstanceContinuesFromTheCommitsOfTheFirstVersion(t *testing.T) {
	for _, sameFlags := range []bool{true, false} {
		s := newShop(t)
		arrivals := someHours(24, 3000)
		produce(s, arrivals[:1500]...)
		first := start(s, smallRule, nil)
		waitCounted(s)
		first.Stop()
		rewritten(s, version1)
		if sameFlags {
			apply(s, setOf(smallRule))
		}
		produce(s, arrivals[1500:]...)
		var log testwait.Output
		p, err := New(Config{Broker: s.Broker, Log: zerolog.New(&log)})
		if err != nil {
			t.Fatal(err)
		}
		run := running{p, testwait.Run(t, p.Run), t}
		run.close()
		run.Stop()
		if again := strings.Contains(log.String(), "with the same flags"); again == sameFlags {
			t.Errorf("with the same flags %t: the log is read from its beginning %t: %s", sameFlags, again, log.String())
		}
		if sameFlags {
			check(s, smallRule)
		} else {
			checkSome(s, event.DefaultRule(), func(a event.Alert) bool { return a.Rule == event.DefaultRule().String() })
		}
		for _, a := range standing(s) {
			if a.Status == event.Firing {
				t.Errorf("with the same flags %t: %v is left", sameFlags, a)
			}
		}
	}
}

func TestW8_WhereRetentionHasCutTheLogTheSetInForceThereJudges(t *testing.T) {
	s := newShop(t)
	set := setOf(viewsOver(3))
	apply(s, set)
	arrivals := someHours(25, 500)
	produce(s, arrivals...)
	cut := broker.Offsets{}
	for n := range s.ID.Partitions {
		cut[n] = 5
	}
	brokertest.Cut(t, s.Broker, s.ID.Topic, cut)
	p := start(s, event.DefaultRule(), nil)
	p.close()
	found := 0
	for _, a := range standing(s) {
		if found++; a.Rule != set.Definition(0) {
			t.Errorf("%v is of another rule", a)
		}
	}
	if found == 0 {
		t.Error("there are no alerts")
	}
}

// The default rule needs no rules topic, so its log is judged without it.
func TestW8_ALogWithoutAChangeDoesNotDependOnTheRulesTopic(t *testing.T) {
	s := newShop(t)
	deleted, err := kadm.NewClient(s.Broker.Client).DeleteTopics(t.Context(), s.Broker.Topics().Rules)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	produce(s, views("p", 0, 101)...)
	p := start(s, event.DefaultRule(), nil)
	testwait.Until(t, "the alert is emitted", func() bool { return len(alertsOf(s, "p")) > 0 })
	p.Stop()
}

// rewritten commits the metadata of the group's commits anew.
func rewritten(s *brokertest.Shop, metadata func(string) string) {
	s.Helper()
	offsets := kadm.Offsets{}
	for n, c := range committed(s) {
		offsets.Add(kadm.Offset{Topic: s.ID.Topic, Partition: n, At: c.Offset, LeaderEpoch: -1, Metadata: metadata(c.Metadata)})
	}
	if err := kadm.NewClient(s.Broker.Client).CommitAllOffsets(s.Context(), s.Broker.Group("processor"), offsets); err != nil {
		s.Fatal(err)
	}
}
