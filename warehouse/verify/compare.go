package verify

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// What a difference is called in a Report, by the problem that the SQL names.
var (
	identityKinds = map[string]string{
		"missing": "event_missing", "extra": "event_extra", "twice": "event_twice",
		"not_first_copy": "event_not_first_copy", "other_content": "event_other_content",
	}
	invalidKinds = map[string]string{"missing": "rejected_missing", "other_content": "rejected_other_content"}
	alertKinds   = map[string]string{
		"missing": "alert_missing", "extra": "alert_extra", "not_closed": "alert_not_closed", "other_counts": "alert_other_counts",
	}
)

// copies counts the log and lists what is there more than once.
func (v *verification) copies(ctx context.Context) error {
	conflicts, ambiguous := Finding{Kind: "conflicting_copies"}, Finding{Kind: "ids_used_for_several_events"}
	var conflictPlaces, ambiguousPlaces [][]int64
	err := v.query(ctx, "copies", func(scan func(...any) error) error {
		return scan(&v.report.Events, &v.report.Invalid, &v.report.Ticks, &v.report.Identities,
			&conflicts.Total, &conflictPlaces, &ambiguous.Total, &ambiguousPlaces)
	})
	if err != nil {
		return err
	}
	v.report.Duplicates = v.report.Events - v.report.Identities
	if err := v.note(ctx, conflicts, conflictPlaces); err != nil {
		return err
	}
	return v.note(ctx, ambiguous, ambiguousPlaces)
}

func (v *verification) note(ctx context.Context, f Finding, places [][]int64) (err error) {
	if f.Total == 0 {
		return nil
	}
	f.Samples, err = v.name(ctx, places, false)
	v.report.Notes = append(v.report.Notes, f)
	return err
}

func (v *verification) identities(ctx context.Context) error {
	return v.places(ctx, "identities", identityKinds, &v.report.Differences, true)
}

func (v *verification) invalid(ctx context.Context) error {
	return v.places(ctx, "invalid", invalidKinds, &v.report.Differences, false)
}

func (v *verification) unlikeGroupBy(ctx context.Context) error {
	return v.places(ctx, "unlike_group_by", map[string]string{"late": "late", "future": "future"}, &v.report.Notes, false)
}

// places takes the answer of a statement that names problems, totals and places.
func (v *verification) places(ctx context.Context, file string, kinds map[string]string, into *[]Finding, both bool) error {
	type answer struct {
		Finding
		places [][]int64
	}
	var found []answer
	err := v.query(ctx, file, func(scan func(...any) error) error {
		var a answer
		err := scan(&a.Kind, &a.Total, &a.places)
		found = append(found, a)
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range found {
		a.Kind = kinds[a.Kind]
		if a.Samples, err = v.name(ctx, a.places, both); err != nil {
			return err
		}
		*into = append(*into, a.Finding)
	}
	return nil
}

// name says which events are at places: partition, offset on the log, offset in
// the table.
func (v *verification) name(ctx context.Context, places [][]int64, both bool) ([]string, error) {
	var partitions []int32
	var offsets []int64
	for _, p := range places {
		partitions = append(partitions, int32(p[0]), int32(p[0]))
		offsets = append(offsets, p[1], p[2])
	}
	type place struct {
		partition int32
		offset    int64
	}
	names := make(map[place]string)
	err := v.query(ctx, "names", func(scan func(...any) error) error {
		var at place
		var key, eventType, time, id string
		err := scan(&at.partition, &at.offset, &key, &eventType, &time, &id)
		if id != "" {
			names[at] = fmt.Sprintf(": %s of %s at %s, id %s", eventType, key, time, id)
		}
		return err
	}, clickhouse.Named("partitions", partitions), clickhouse.Named("offsets", offsets))
	if err != nil {
		return nil, err
	}
	var samples []string
	for _, p := range places {
		name := names[place{int32(p[0]), p[1]}]
		if name == "" {
			name = names[place{int32(p[0]), p[2]}]
		}
		where := fmt.Sprintf("%d/%d", p[0], p[1])
		if p[1] != p[2] && both {
			where = fmt.Sprintf("on the log %d/%d, in the table %d/%d", p[0], p[1], p[0], p[2])
		} else if p[1] != p[2] {
			where = fmt.Sprintf("%d/%d and %d/%d", p[0], p[1], p[0], p[2])
		}
		samples = append(samples, where+name)
	}
	return samples, nil
}

func (v *verification) alerts(ctx context.Context) error {
	return v.query(ctx, "alerts", func(scan func(...any) error) error {
		var f Finding
		var samples [][]string
		if err := scan(&f.Kind, &f.Total, &samples); err != nil {
			return err
		}
		if f.Kind == "" {
			v.report.Alerts = f.Total
			return nil
		}
		f.Kind = alertKinds[f.Kind]
		for _, s := range samples {
			status := s[6]
			if status == "" {
				status = "nothing"
			}
			f.Samples = append(f.Samples, fmt.Sprintf("%s from %s: the log says views %s, purchases %s; the table says %s, views %s, purchases %s",
				s[0], s[1], s[2], s[3], status, s[4], s[5]))
		}
		v.report.Differences = append(v.report.Differences, f)
		return nil
	})
}
