package notifier

import (
	"testing"
	"testing/synctest"
	"time"

	"clickstream/internal/broker"
)

// waiting puts an intent on the ledger that was written a while ago, as an
// instance that starts again finds it.
func (b *bench) waiting(ago time.Duration, episode string, notice broker.Notice, receiver string) {
	b.offset++
	b.apply(0, b.offset, &broker.LedgerEntry{
		Kind: broker.LedgerIntent, At: time.Now().Add(-ago), EpisodeID: episode, ProductID: "p", Notice: notice, Receiver: receiver, Body: episode,
	})
}

func TestN1_AnEndIsNotSentWhereItsFirstNoticeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "up")
		b.outage.refuses["e/first"] = true
		b.waiting(DefaultGiveUp+2*time.Second, "e", broker.NoticeFirst, "up")
		b.waiting(time.Minute, "e", broker.NoticeEnd, "up")
		b.waiting(time.Minute, "told", broker.NoticeFirst, "up")
		b.waiting(time.Minute, "told", broker.NoticeEnd, "up")
		time.Sleep(time.Hour)
		synctest.Wait()
		b.outage.mu.Lock()
		defer b.outage.mu.Unlock()
		if first := b.results["e/first/up"]; first.Outcome != broker.OutcomeFailed {
			t.Errorf("the first notice: got %+v", first)
		}
		end := b.results["e/end/up"]
		if end.Outcome != broker.OutcomeFailed || end.Reason != "its first notice was not sent" || end.Attempts != 0 || end.Body != "" {
			t.Errorf("its end: got %+v", end)
		}
		if _, sent := b.outage.at["up e/end"]; sent {
			t.Error("the receiver got the end of an episode of which it did not get the first notice")
		}
		if end := b.results["told/end/up"]; end.Outcome != broker.OutcomeSent {
			t.Errorf("the end of another episode: got %+v", end)
		}
	})
}

func TestN1_ANoticeIsTriedBeforeItIsGivenUpHoweverLongItHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "up", "down")
		b.outage.down["down"] = true
		b.outage.refuses["bad/first"] = true
		b.waiting(DefaultGiveUp+5*time.Second, "good", broker.NoticeFirst, "up")
		b.waiting(DefaultGiveUp+5*time.Second, "bad", broker.NoticeFirst, "up")
		b.waiting(DefaultGiveUp+5*time.Second, "one", broker.NoticeFirst, "down")
		b.waiting(DefaultGiveUp+5*time.Second, "two", broker.NoticeFirst, "down")
		time.Sleep(time.Hour)
		synctest.Wait()
		b.outage.mu.Lock()
		defer b.outage.mu.Unlock()
		if good := b.results["good/first/up"]; good.Outcome != broker.OutcomeSent || good.Attempts != 1 {
			t.Errorf("the receiver is up, and has not got the notice: %+v", good)
		}
		for key, reason := range map[string]string{
			"bad/first/up":   "given up after 24h0m6s; the last answer was 500",
			"one/first/down": "given up after 24h0m6s; the last try got no answer: connection refused",
			"two/first/down": "given up after 24h0m9s; the last try got no answer: connection refused",
		} {
			if r := b.results[key]; r.Outcome != broker.OutcomeFailed || r.Attempts == 0 || r.Reason != reason {
				t.Errorf("%s: got %+v, want the reason %q", key, r, reason)
			}
		}
	})
}
