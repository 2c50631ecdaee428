package verify

import (
	"context"
	"fmt"

	"clickstream/internal/event"
)

// episodes compares the episodes of alerts: each is that of the window which its
// own has joined, as that one's alert says it, so that all windows of an episode
// are of the one that began it.
func (v *verification) episodes(ctx context.Context) error {
	v.step("comparing episodes", 0)
	f := Finding{Kind: "alert_other_episode"}
	var samples [][]string
	err := v.query(ctx, "episodes", func(scan func(...any) error) error { return scan(&f.Total, &samples) })
	if err != nil {
		return err
	}
	for _, s := range samples {
		should := "it begins an episode"
		if s[3] != "" {
			should = "its episode is that of the window from " + s[3]
		}
		f.Samples = append(f.Samples, fmt.Sprintf("%s of %s from %s: %s", event.RuleName(s[0]), s[1], s[2], should))
	}
	if f.Total > 0 {
		v.report.Differences = append(v.report.Differences, f)
	}
	cut := Finding{Kind: "episodes_not_compared", Samples: []string{}}
	for _, begin := range v.begins {
		if begin > 0 {
			cut.Total++
		}
	}
	if cut.Total > 0 {
		v.report.Notes = append(v.report.Notes, cut)
	}
	return nil
}
