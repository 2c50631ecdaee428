package cli

import (
	"strings"
	"testing"

	"clickstream/internal/instance"
	"clickstream/internal/instance/health"
)

func TestStatusShowsWhatTheProcessorDoesNotRemember(t *testing.T) {
	processor := health.Role{Name: "processor", State: string(instance.Running), Members: new(1), Lag: new(int64(0))}
	for _, u := range []*instance.Unremembered{nil, {}} {
		if text := roleText(health.Report{Unremembered: u}, processor); strings.Contains(text, "remembered") {
			t.Errorf("with %+v it says %q", u, text)
		}
	}
	r := health.Report{Unremembered: &instance.Unremembered{IDs: 3, Products: 1234}}
	if text := roleText(r, processor); !strings.HasSuffix(text, "not remembered since its start: ids of 3 events, products of 1,234") {
		t.Errorf("it says %q", text)
	}
	if text := roleText(r, health.Role{Name: "mirror"}); strings.Contains(text, "remembered") {
		t.Errorf("of the mirror it says %q", text)
	}
}

func TestStatusShowsHowManyNoticesWait(t *testing.T) {
	notifier := health.Role{Name: "notifier", State: string(instance.Running), Members: new(1), Lag: new(int64(0))}
	for n, want := range map[int]string{0: "members 1, lag 0", 1: "members 1, lag 0, 1 notice waiting for receivers", 1234: "members 1, lag 0, 1,234 notices waiting for receivers"} {
		if text := roleText(health.Report{Waiting: &n}, notifier); text != want {
			t.Errorf("it says %q, want %q", text, want)
		}
	}
	if text := roleText(health.Report{Waiting: new(3)}, health.Role{Name: "processor"}); strings.Contains(text, "waiting") {
		t.Errorf("of the processor it says %q", text)
	}
}
