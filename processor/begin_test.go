package processor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
	"clickstream/processor/windows"
	"clickstream/processor/windows/windowstest"
)

func TestW6_WhereToBegin(t *testing.T) {
	s := &session{sets: newRuleSets(windowstest.Model{Rule: event.DefaultRule()}.First())}
	good := "1 rule=" + event.DefaultRule().Hash() + " told=20 last_value=4 event_watermark=7 watermark=7 quiet_ms=0 judged=all"
	for _, c := range []struct {
		name       string
		metadata   string // of a commit at offset 5; empty: there is none
		start, end int64  // of the log
		want       int64
		cut        bool
	}{
		{"a new group", "", 0, 30, 0, false},
		{"a new group on a cut log", "", 3, 30, 3, true},
		{"a commit", good, 5, 20, 5, false},
		{"retention has passed the commit", good, 6, 30, 6, true},
		{"the log is shorter than what was acknowledged", good, 0, 19, 0, false},
		{"metadata of no known version", "0" + good[1:], 0, 30, 0, false},
	} {
		p, unusable, err := s.begin(0, broker.Commit{Offset: 5, Metadata: c.metadata}, c.metadata != "", c.start, c.end)
		if err != nil {
			t.Fatal(err)
		}
		_, metadata := p.Commit()
		cut := strings.Contains(metadata, " judged=none ")
		if p.Offset() != c.want || cut != c.cut || p.Rebuilding() != (c.want == 5) || (unusable != nil) != (c.metadata != "" && c.want != 5) {
			t.Errorf("%s: begins at %d, would commit %q: %v", c.name, p.Offset(), metadata, unusable)
		}
	}
}

// Whatever the number of partitions.
func TestWhyTheLogIsReadAgainIsSaidOnce(t *testing.T) {
	other := fmt.Errorf("commit: %w", windows.ErrOtherRule)
	for _, c := range []struct {
		commits map[int32]error
		want    string
	}{
		{nil, ""},
		{map[int32]error{0: other, 1: other, 2: other}, "warn 3 "},
		{map[int32]error{4: other, 7: errors.New("garbage"), 5: errors.New("off the log")}, "warn 1 \nwarn 2 partition 5: off the log"},
	} {
		var log bytes.Buffer
		s := &session{p: &Processor{cfg: Config{Log: zerolog.New(&log)}}}
		s.logUnusable(c.commits)
		var got []string
		for d := json.NewDecoder(&log); d.More(); {
			var line struct {
				Level, Error string
				Partitions   int
			}
			if err := d.Decode(&line); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %d %s", line.Level, line.Partitions, line.Error))
		}
		if got := strings.Join(got, "\n"); got != c.want {
			t.Errorf("%v: logged %q, not %q", c.commits, got, c.want)
		}
	}
}

// An older instance that comes back during a deploy must not take the commits of
// a newer one for none.
func TestW6_ACommitOfANewerVersionStopsTheInstanceAndStays(t *testing.T) {
	s := newShop(t)
	produce(s, someHours(11, 500)...)
	first := start(s, smallRule, nil)
	if err := WaitAcknowledged(testwait.Context(t), s.Broker, endsOf(s, s.ID.Topic)); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	const metadata = "7 something=else"
	offsets := kadm.Offsets{}
	for n, c := range committed(s) {
		offsets.Add(kadm.Offset{Topic: s.ID.Topic, Partition: n, At: c.Offset, LeaderEpoch: -1, Metadata: metadata})
	}
	if err := kadm.NewClient(s.Broker.Client).CommitAllOffsets(t.Context(), s.Broker.Group("processor"), offsets); err != nil {
		t.Fatal(err)
	}
	before, emitted := committed(s), s.Length(s.Broker.Topics().Alerts)

	p, err := newBy(smallRule, Config{Broker: s.Broker})
	if err != nil {
		t.Fatal(err)
	}
	err = testwait.Run(t, p.Run).Wait()
	if !errors.Is(err, windows.ErrNewerVersion) || broker.Classify(err) != broker.Fatal || !strings.Contains(err.Error(), "version is 7") {
		t.Errorf("Run returns %v", err)
	}
	if after := committed(s); !maps.Equal(after, before) {
		t.Errorf("the commits are %v, they were %v", after, before)
	}
	if s.Length(s.Broker.Topics().Alerts) != emitted {
		t.Error("alerts were emitted again")
	}
}
