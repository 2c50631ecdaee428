package broker

import (
	"fmt"
	"slices"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// maxOpenSets is how many rule sets may have open windows at once in a partition
// (W8): a change beyond that is passed over.
const maxOpenSets = 8

// openSets are the changes before an offset of a partition whose sets may have
// open windows at the time at, when hash is to be put in force there, and for each
// the latest time at which it has none any more. The last one, which is in force,
// has them until then at the least.
//
// A set has no open window when the change after it was applied its longest window
// and the longest lateness of it and the later ones ago, and event.FutureAfter, by
// which events may be ahead; and not before those before it have none. Records of
// one set in a row are one change, at the time of the last. A change that directly
// follows another one on the log is instead of that: no event lies between them.
func (s *RuleSets) openSets(partition int32, hash string, offset int64, at event.Millis) (until []event.Millis) {
	judging := s.judging(partition, hash, offset)
	longest, lateness := make([]event.Millis, len(judging)), event.Millis(0)
	for i, p := range slices.Backward(judging) {
		window, own := s.lengths(p.Hash)
		lateness = max(lateness, own)
		longest[i] = window + lateness
	}
	done := event.Millis(0)
	for i := range judging {
		replaced := at
		if i+1 < len(judging) {
			replaced = judging[i+1].At
		}
		if done = max(done, replaced+longest[i]+event.FutureAfter); done > at {
			until = append(until, done)
		}
	}
	return until
}

// judging are the changes of a partition before an offset that may judge windows
// if hash is put in force at the offset. The first is the default set, which is in
// force from the beginning.
func (s *RuleSets) judging(partition int32, hash string, offset int64) []RulesPut {
	all := []RulesPut{{RulesChange: event.RulesChange{Hash: rules.Default().Hash()}, Partition: partition, Offset: -1}}
	add := func(p RulesPut) {
		last := &all[len(all)-1]
		follows := last.Offset+1 == p.Offset
		switch {
		case last.Hash == p.Hash:
			last.At = max(last.At, p.At)
			if follows {
				last.Offset = p.Offset
			}
		case follows:
			*last = p
		default:
			all = append(all, p)
		}
	}
	for _, p := range s.changes {
		if p.Partition == partition && p.Offset < offset {
			add(p)
		}
	}
	add(RulesPut{RulesChange: event.RulesChange{Hash: hash}, Partition: partition, Offset: offset})
	return all[:len(all)-1]
}

// lengths are the longest window and the lateness of a set; of one that is not
// known, the longest that there may be.
func (s *RuleSets) lengths(hash string) (window, lateness event.Millis) {
	set, err := s.Lookup(hash)
	if err != nil {
		return millis(rules.MaxWindow), millis(rules.MaxLateness)
	}
	for _, r := range set.Rules() {
		window = max(window, millis(r.Window))
	}
	return window, millis(set.Lateness())
}

func millis(d time.Duration) event.Millis { return event.Millis(d.Milliseconds()) }

// surelyInForce says whether the last change of a partition has put the set in
// force there and cannot have been passed over.
func (s *RuleSets) surelyInForce(partition int32, hash string) bool {
	if s.InForceNow(partition) != hash {
		return false
	}
	var last *RulesPut
	for i := range s.changes {
		if s.changes[i].Partition == partition {
			last = &s.changes[i]
		}
	}
	return last == nil || len(s.openSets(partition, hash, last.Offset, last.At)) < maxOpenSets
}

// surelyInForceIn says whether InForceIn does and no change can have been passed
// over.
func (s *RuleSets) surelyInForceIn(ends Offsets, hash string) bool {
	for partition := range ends {
		if !s.surelyInForce(partition, hash) {
			return false
		}
	}
	return s.InForceIn(int32(len(ends)), hash)
}

// checkOpen refuses a set that could be passed over if it is put in force at the
// ends of the log's partitions. Where it surely is in force it changes nothing.
func (s *RuleSets) checkOpen(hash string, ends Offsets, at time.Time) error {
	most, after := 0, event.Millis(0)
	for partition, end := range ends {
		if s.surelyInForce(partition, hash) {
			continue
		}
		until := s.openSets(partition, hash, end, event.MillisOf(at))
		most = max(most, len(until))
		if len(until) >= maxOpenSets {
			after = max(after, until[len(until)-maxOpenSets])
		}
	}
	if most < maxOpenSets {
		return nil
	}
	return fmt.Errorf("rule set %s is not put in force: %d sets may still have open windows, and a partition has room for %d at once; apply it after %s, when the oldest ones have closed",
		hash, most, maxOpenSets, after.Time().Add(time.Second).Truncate(time.Second).Format(time.RFC3339))
}
