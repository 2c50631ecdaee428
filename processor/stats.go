package processor

import "clickstream/internal/event"

// Stats is what a processor has done since it was made, and where it is. The
// counts of records are those at and after Config.CountFrom that this instance
// read first: what it reads again to rebuild its windows does not count.
type Stats struct {
	Events       int64 // valid events, duplicates, late and future ones included
	Duplicates   int64 // later copies of events whose ids are remembered
	Late         int64 // events none of whose windows was open any more
	Future       int64 // events too far ahead of their receive time
	Poison       int64 // records with a value that are no valid event
	Ticks        int64 // valid ticks
	InvalidTicks int64 // records marked as ticks that no longer apply

	Alerts int64 // alert records acknowledged

	Partitions  int   // assigned at the moment
	Products    int64 // with events in open windows
	OpenWindows int64 // open windows with events in them, of all partitions
	Lag         int64 // offsets not read yet, by the broker's last answer; -1: not known yet

	// Watermark is the lowest of the assigned partitions' watermarks, and
	// NewestEvent the highest; both are 0 before the first event.
	Watermark, NewestEvent event.Millis
}
