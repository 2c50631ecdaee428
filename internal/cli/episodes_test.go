package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"clickstream/internal/event"
)

// The view makes a row of the alerts of an episode, and so does whoever follows the
// topic.
func TestW9_AnEpisodeIsOneLineWhicheverWayItIsRead(t *testing.T) {
	s, engines := shopWithTables(t)
	s.Mirror()
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	followed := make(episodes)
	last := map[string]episode{}
	version := int64(0)
	alert := func(id, episode string, minute int, status event.Status, views, purchases int, exact bool) {
		at := start.Add(time.Duration(minute) * time.Minute)
		version++
		a := event.Alert{
			ID: id + strings.Repeat("0", 30), Rule: "flash_sale(views>100)", ProductID: "p" + id[:1], WindowStart: at, WindowEnd: at.Add(10 * time.Minute),
			Status: status, Views: views, Purchases: purchases, ConversionRate: event.ConversionRate(views, purchases), Version: version, Exact: exact,
		}
		if episode != "" {
			a.EpisodeID = episode + strings.Repeat("0", 30)
		}
		s.Produce(s.Alert(a))
		e, _ := followed.take(a)
		last[e.ID] = e
	}
	alert("a1", "a1", 1, event.Firing, 101, 0, true)
	alert("a2", "a1", 2, event.Firing, 101, 0, true)
	alert("a1", "a1", 1, event.Confirmed, 130, 1, true)
	alert("b2", "b2", 5, event.Firing, 101, 0, true)
	alert("b1", "b2", 4, event.Firing, 300, 4, true)
	alert("b1", "b2", 4, event.Retracted, 301, 5, true)
	alert("b2", "b2", 5, event.Confirmed, 120, 0, false)
	alert("c1", "", 7, event.Firing, 101, 0, true)
	alert("c1", "", 7, event.Retracted, 102, 5, true)
	if _, changed := followed.take(event.Alert{ID: "c1" + strings.Repeat("0", 30), Version: 2}); changed {
		t.Error("an alert that is repeated changes its episode")
	}
	s.WaitStored()
	status, out, errOut := run(t, append([]string{"alerts", "--output", "json"}, engines...)...)
	if status != exitDone {
		t.Fatal(errOut)
	}
	var listed []string
	for line := range strings.Lines(out) {
		var e episode
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		listed = append(listed, strings.Join([]string{e.ID[:2], e.Status, count(e.Windows), count(e.Views), count(e.Purchases)}, " "))
		if followed := last[e.ID]; followed != e {
			t.Errorf("the view says %+v,\nthe topic %+v", e, followed)
		}
	}
	if want := []string{"a1 firing 2 130 1", "b2 ended 2 120 0", "c1 retracted 1 102 5"}; !slices.Equal(listed, want) {
		t.Errorf("listed\n%q\nnot\n%q", listed, want)
	}
	_, out, _ = run(t, append([]string{"alerts"}, engines...)...)
	if want := "b2000000 ended      pb                   2026-11-22T10:04:00Z/2026-11-22T10:15:00Z        2     120          0\n"; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	if _, out, _ = run(t, append([]string{"alerts", "--windows"}, engines...)...); strings.Count(out, "\n") != 6 || !strings.Contains(out, "b1000000 retracted") {
		t.Errorf("by window:\n%s", out)
	}
}
