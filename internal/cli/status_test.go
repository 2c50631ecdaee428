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
