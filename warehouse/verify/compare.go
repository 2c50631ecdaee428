package verify

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/event"
)

// What a difference is called in a Report, by the problem that the SQL names.
var (
	eventKinds = map[string]string{
		"missing": "event_missing", "extra": "event_extra", "twice": "event_twice",
		"not_first_copy": "event_not_first_copy", "other_content": "event_other_content",
	}
	invalidKinds = map[string]string{
		"missing": "rejected_missing", "other_content": "rejected_other_content", "valid": "rejected_valid",
	}
	alertKinds = map[string]string{
		"missing": "alert_missing", "extra": "alert_extra", "not_closed": "alert_not_closed", "not_retracted": "alert_not_retracted", "other_counts": "alert_other_counts",
	}
	versionKinds = map[string]string{
		"not_stored": "alert_not_stored", "not_on_topic": "alert_not_on_topic", "two_contents": "alert_two_contents",
	}
	rejectedKinds = map[string]string{
		"missing": "rejected_not_stored", "extra": "rejected_not_on_topic", "twice": "rejected_twice", "other_content": "rejected_other_reason",
	}
)

// copies counts the log and lists what is there more than once.
func (v *verification) copies(ctx context.Context) error {
	conflicts, unread := Finding{Kind: "conflicting_copies"}, Finding{Kind: "events_not_compared"}
	var conflictPlaces, unreadPlaces [][]int64
	var apart, identities uint64
	err := v.query(ctx, "counts", func(scan func(...any) error) error {
		return scan(&apart, &v.report.Invalid, &unread.Total, &unreadPlaces, &identities, &conflicts.Total, &conflictPlaces, &v.report.Ticks)
	})
	if err != nil {
		return err
	}
	v.report.Events, v.report.Identities = v.state.matched+apart, v.state.matched+identities
	v.report.Duplicates = v.report.Events - v.report.Identities
	v.report.ByColumn = apart
	if err := v.note(ctx, conflicts, conflictPlaces); err != nil {
		return err
	}
	if more := v.rows - v.stored; more > 0 {
		v.report.Notes = append(v.report.Notes, Finding{Kind: "physical_duplicates", Total: uint64(more), Samples: []string{}})
	}
	return v.note(ctx, unread, unreadPlaces)
}

func (v *verification) note(ctx context.Context, f Finding, places [][]int64) (err error) {
	if f.Total == 0 {
		return nil
	}
	f.Samples, err = v.name(ctx, places, false)
	v.report.Notes = append(v.report.Notes, f)
	return err
}

// differences lists what is wrong with the events.
func (v *verification) differences(ctx context.Context) error {
	type answer struct {
		Finding
		places [][]int64
	}
	var found []answer
	err := v.query(ctx, "differences", func(scan func(...any) error) error {
		var a answer
		err := scan(&a.Kind, &a.Total, &a.places, &a.Columns)
		found = append(found, a)
		return err
	})
	if err != nil {
		return err
	}
	for _, a := range found {
		a.Kind = eventKinds[a.Kind]
		if a.Samples, err = v.name(ctx, a.places, true); err != nil {
			return err
		}
		v.report.Differences = append(v.report.Differences, a.Finding)
	}
	return nil
}

// ids looks for ids that several events have, and for events with several rows.
func (v *verification) ids(ctx context.Context) error {
	ambiguous, twice := Finding{Kind: "ids_used_for_several_events"}, Finding{Kind: "event_twice"}
	var ambiguousPlaces, twicePlaces [][]int64
	slices := slicesOf(v.stored, idsAtATime)
	v.step("looking for ids of several events", slices)
	for slice := range slices {
		err := v.query(ctx, "ids", func(scan func(...any) error) error {
			var a, t uint64
			var ap, tp [][]int64
			err := scan(&a, &ap, &t, &tp)
			ambiguous.Total, twice.Total = ambiguous.Total+a, twice.Total+t
			ambiguousPlaces, twicePlaces = firstOf(ambiguousPlaces, ap), firstOf(twicePlaces, tp)
			return err
		}, sliceParams(slices, slice)...)
		if err != nil {
			return err
		}
		v.advance(1)
	}
	if err := v.note(ctx, ambiguous, ambiguousPlaces); err != nil || twice.Total == 0 {
		return err
	}
	var err error
	twice.Samples, err = v.name(ctx, twicePlaces, false)
	v.report.Differences = append(v.report.Differences, twice)
	return err
}

// firstOf keeps as many places as a Finding has samples.
func firstOf(all, more [][]int64) [][]int64 {
	all = append(all, more...)
	return all[:min(len(all), 20)]
}

func (v *verification) rejectedLog(ctx context.Context) error {
	v.step("comparing the invalid records", 0)
	return v.places(ctx, "rejected_log", invalidKinds)
}

func (v *verification) unlikeGroupBy(ctx context.Context) error {
	v.step("looking for late events", 0)
	late, future := Finding{Kind: "late"}, Finding{Kind: "future"}
	var latePlaces, futurePlaces [][]int64
	err := v.query(ctx, "unlike_group_by", func(scan func(...any) error) error {
		return scan(&late.Total, &latePlaces, &future.Total, &futurePlaces)
	})
	if err != nil {
		return err
	}
	if err := v.note(ctx, future, futurePlaces); err != nil {
		return err
	}
	return v.note(ctx, late, latePlaces)
}

// places takes the answer of a statement that names problems, totals and places.
func (v *verification) places(ctx context.Context, file string, kinds map[string]string) error {
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
		if a.Samples, err = v.name(ctx, a.places, false); err != nil {
			return err
		}
		v.report.Differences = append(v.report.Differences, a.Finding)
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
	inexact, other := Finding{Kind: "alerts_not_exact", Samples: []string{}}, Finding{}
	err := v.query(ctx, "alerts", func(scan func(...any) error) error {
		var f Finding
		var samples [][]string
		var notExact uint64
		if err := scan(&f.Kind, &f.Total, &notExact, &samples); err != nil {
			return err
		}
		inexact.Total += notExact
		switch f.Kind {
		case "":
			v.report.Alerts = f.Total
			return nil
		case "retracted":
			v.report.Retracted = f.Total
			return nil
		}
		if f.Kind == "other_rule" {
			other = Finding{Kind: "alerts_of_other_rules", Total: f.Total, Samples: []string{}}
			for _, s := range samples {
				other.Samples = append(other.Samples, fmt.Sprintf("%s from %s, of the rule %s", s[1], s[2], s[0]))
			}
			return nil
		}
		f.Kind = alertKinds[f.Kind]
		for _, s := range samples {
			status := s[7]
			if status == "" {
				status = "nothing"
			}
			f.Samples = append(f.Samples, fmt.Sprintf("%s of %s from %s: the log says views %s, purchases %s; the table says %s, views %s, purchases %s",
				event.RuleName(s[0]), s[1], s[2], s[3], s[4], status, s[5], s[6]))
		}
		v.report.Differences = append(v.report.Differences, f)
		return nil
	})
	for _, note := range []Finding{inexact, other} {
		if err == nil && note.Total > 0 {
			v.report.Notes = append(v.report.Notes, note)
		}
	}
	return err
}

// gaps lists the ones that nobody has accepted.
func (v *verification) gaps(ctx context.Context) error {
	gaps, err := v.Warehouse.Gaps(ctx)
	if err != nil {
		return err
	}
	f := Finding{Kind: "gap"}
	for _, g := range gaps {
		if g.AcceptedAt != nil {
			continue
		}
		if f.Total++; len(f.Samples) < 20 {
			f.Samples = append(f.Samples, fmt.Sprintf("topic %s, partition %d, offsets %d to %d: %s, noticed by the %s", g.Topic, g.Partition, g.From, g.To, g.Reason, g.NoticedBy))
		}
	}
	if f.Total > 0 {
		v.report.Differences = append(v.report.Differences, f)
	}
	return nil
}
