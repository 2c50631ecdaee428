package broker_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
)

func intent() broker.LedgerEntry {
	return broker.LedgerEntry{
		Kind: broker.LedgerIntent, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), EpisodeID: "e1", AlertID: "a1", ProductID: "p1", Rule: "hot",
		Notice: broker.NoticeFirst, Receiver: "webhook", From: time.Date(2026, 11, 22, 9, 50, 0, 0, time.UTC), Body: `{"text":"a < b & \"c\"\n"}`,
	}
}

func result() broker.LedgerEntry {
	e := intent()
	e.Kind, e.Body, e.From, e.Outcome, e.Attempts = broker.LedgerResult, "", time.Time{}, broker.OutcomeFailed, 3
	e.Reason = "answered 400"
	return e
}

func silence() broker.LedgerEntry {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return broker.LedgerEntry{Kind: broker.LedgerSilence, At: at, SilenceID: "s1", ProductID: "p1", Until: at.Add(time.Hour), By: "ann", Reason: "a campaign"}
}

func TestN1_ALedgerEntryIsReadAsItWasWritten(t *testing.T) {
	ack := broker.LedgerEntry{Kind: broker.LedgerAck, At: silence().At, EpisodeID: "e1", ProductID: "p1", By: "ann"}
	keys := make(map[string]bool)
	for _, e := range []broker.LedgerEntry{intent(), result(), silence(), ack} {
		r, err := broker.LedgerRecord("ledger", 3, &e)
		if err != nil {
			t.Fatal(err)
		}
		if keys[string(r.Key)] {
			t.Errorf("%s has the key of another entry, %s: compaction would delete one", e.Kind, r.Key)
		}
		keys[string(r.Key)] = true
		if got, err := broker.ParseLedger(r); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v (%v), want %+v", got, err, e)
		}
	}
}

func TestN1_AnEntryThatIsNotWholeIsNamedByItsField(t *testing.T) {
	for want, change := range map[string]func(*broker.LedgerEntry){
		`kind "other" is not known`:           func(e *broker.LedgerEntry) { e.Kind = "other" },
		`notice "middle": it is first or end`: func(e *broker.LedgerEntry) { e.Notice = "middle" },
		"episode_id is missing":               func(e *broker.LedgerEntry) { e.EpisodeID = "" },
		"receiver is missing":                 func(e *broker.LedgerEntry) { e.Receiver = "" },
		"body is missing":                     func(e *broker.LedgerEntry) { e.Body = "" },
		"at is missing":                       func(e *broker.LedgerEntry) { e.At = time.Time{} },
		"rule has 129 bytes: at most 128":     func(e *broker.LedgerEntry) { e.Rule = strings.Repeat("r", 129) },
		"product_id is not UTF-8":             func(e *broker.LedgerEntry) { e.ProductID = "\xff" },
		`outcome "lost" is not known`:         func(e *broker.LedgerEntry) { *e = result(); e.Outcome = "lost" },
		"a silence has one of them":           func(e *broker.LedgerEntry) { *e = silence(); e.Rule = "hot" },
		"until: a silence needs it":           func(e *broker.LedgerEntry) { *e = silence(); e.Until = time.Time{} },
		"by is missing":                       func(e *broker.LedgerEntry) { *e = silence(); e.By = "" },
	} {
		e := intent()
		change(&e)
		if _, err := broker.LedgerRecord("ledger", 0, &e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := broker.ParseLedger(&kgo.Record{Topic: "ledger", Partition: 1, Offset: 7, Value: []byte("{")}); err == nil || !strings.Contains(err.Error(), "offset 7 of ledger-1") {
		t.Errorf("got %v", err)
	}
	e := intent()
	r, err := broker.LedgerRecord("ledger", 0, &e)
	if err != nil {
		t.Fatal(err)
	}
	r.Key = []byte("other")
	if _, err := broker.ParseLedger(r); err == nil || !strings.Contains(err.Error(), "its key is another entry's") {
		t.Errorf("got %v", err)
	}
}

func TestN1_WhatPeopleDecideIsInThePartitionOfTheProduct(t *testing.T) {
	s := brokertest.NewShop(t, brokertest.Options{Partitions: 5})
	ofRule := silence()
	ofRule.SilenceID, ofRule.ProductID, ofRule.Rule = "s2", "", "hot"
	if err := s.Broker.WriteLedger(deadline(t), silence(), ofRule); err != nil {
		t.Fatal(err)
	}
	s.Produce(&kgo.Record{Topic: s.Broker.Topics().Notifications, Partition: 4, Key: []byte("deleted by hand")})
	got := make(map[string]int32)
	err := s.Broker.ReadLedger(deadline(t), func(partition int32, e broker.LedgerEntry) error {
		got[e.SilenceID] = partition
		return nil
	})
	want := map[string]int32{"s1": event.Partition("p1", 5), "s2": 0}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}
