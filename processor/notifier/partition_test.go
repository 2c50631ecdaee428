package notifier

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"clickstream/internal/broker"
	"clickstream/internal/event"
)

// emitted are alerts of a few episodes as processors write them: each window
// fires, may be retracted and fire again, and ends; and a processor that takes
// over writes again what came after its commit.
func emitted(random *rand.Rand) []event.Alert {
	var states, all []event.Alert
	version := int64(0)
	status := make(map[string]event.Status)
	ids := make([]string, 0, 12)
	for n := range 4 + random.IntN(8) {
		ids = append(ids, fmt.Sprintf("%d/%d", random.IntN(3), n))
	}
	for range 10 + random.IntN(60) {
		version++
		id := ids[random.IntN(len(ids))]
		next := event.Firing
		switch status[id] {
		case event.Confirmed:
			continue
		case event.Firing:
			next = []event.Status{event.Firing, event.Retracted, event.Confirmed}[random.IntN(3)]
		}
		status[id] = next
		states = append(states, event.Alert{ID: id, EpisodeID: "e" + id[:1], Version: version, Status: next, WindowEnd: time.Now()})
	}
	for i := 0; i < len(states); i++ {
		all = append(all, states[i])
		if random.IntN(8) == 0 {
			all = append(all, states[random.IntN(i+1)])
		}
		if random.IntN(12) == 0 {
			i = max(i-random.IntN(15), -1)
		}
		if len(all) > 1000 {
			break
		}
	}
	return all
}

// expected are the notices by a plain recount of everything before each record:
// the offset of the record at which each becomes due.
func expected(all []event.Alert) map[string]int64 {
	due := make(map[string]int64)
	for i := range all {
		episode := all[i].EpisodeID
		latest := make(map[string]event.Alert)
		for _, a := range all[:i+1] {
			if a.EpisodeID == episode && a.Version >= latest[a.ID].Version {
				latest[a.ID] = a
			}
		}
		fires := false
		for _, a := range latest {
			fires = fires || a.Status == event.Firing
		}
		key := episode + "/first"
		if !fires {
			key = episode + "/end"
		}
		if _, known := due[key]; known {
			continue
		}
		if _, began := due[episode+"/first"]; began || fires {
			due[key] = int64(i)
		}
	}
	return due
}

// Wherever a notifier is killed, and whichever of its commits was the last, the
// notices become due at the same records.
func TestN1_NoticesBecomeDueAtTheSameRecordsWhateverIsReadAgain(t *testing.T) {
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		all := emitted(random)
		want := expected(all)
		ledger := make(map[string]int64)
		commits := []broker.Commit{{}}
		p := newPartition(0, 0)
		for p.next < int64(len(all)) {
			if random.IntN(20) == 0 {
				last := commits[len(commits)-1-random.IntN(min(len(commits), 3))]
				p = newPartition(last.Offset, decidedBefore(last))
				commits = []broker.Commit{last}
				continue
			}
			offset := p.next
			d, is := p.take(&all[offset], offset)
			key := all[offset].EpisodeID + "/" + string(d.notice)
			if _, known := ledger[key]; is && !known {
				if _, began := ledger[all[offset].EpisodeID+"/first"]; began || d.notice == broker.NoticeFirst {
					ledger[key] = offset
				}
			}
			if random.IntN(3) == 0 {
				commits = append(commits, p.commit())
			}
		}
		if !maps.Equal(ledger, want) {
			t.Fatalf("seed %d: got %v, want %v", seed, ledger, want)
		}
	}
}

func TestN1_AnAlertThatIsRepeatedAfterItsEndHoldsBackNoCommitForEver(t *testing.T) {
	p := newPartition(0, 0)
	a := event.Alert{ID: "a", Version: 1, Status: event.Firing, WindowEnd: time.Now().Add(-48 * time.Hour)}
	p.take(&a, 0)
	b := event.Alert{ID: "b", Version: 1, Status: event.Firing, WindowEnd: time.Now()}
	p.take(&b, 1)
	p.next = 10
	if at := p.commit().Offset; at != 0 {
		t.Errorf("the commit is at %d, and the alert at 0 is firing", at)
	}
	p.forget(time.Now().Add(-25 * time.Hour))
	if at := p.commit().Offset; at != 1 || len(p.latest) != 1 || len(p.episodes) != 1 {
		t.Errorf("the commit is at %d, and the alert at 1 is the only one that can be firing", at)
	}
}

// An instance that was paused may write an alert after the others have written that
// it is over, and where a notifier begins to read behind that end, nothing ends it.
func TestN1_AnAlertThatIsWrittenLateHoldsUpNoEnd(t *testing.T) {
	in := func(id string, version int64, status event.Status) event.Alert {
		return event.Alert{ID: id, EpisodeID: "e", Version: version, Status: status, WindowEnd: time.Now()}
	}
	all := []event.Alert{
		in("a", 1, event.Firing), in("a", 5, event.Confirmed), in("b", 7, event.Firing), in("a", 4, event.Firing), in("b", 9, event.Confirmed),
	}
	for begin := range int64(3) {
		p := newPartition(begin, 0)
		for p.next < int64(len(all)) {
			d, is := p.take(&all[p.next], p.next)
			if ended := is && d.notice == broker.NoticeEnd; p.next == int64(len(all)) && !ended {
				t.Errorf("read from offset %d on, the last alert ends no episode", begin)
			}
		}
		if at := p.commit().Offset; at != int64(len(all)) {
			t.Errorf("read from offset %d on, the commit is at %d", begin, at)
		}
	}
}
