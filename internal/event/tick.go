package event

// RulesChange is a record with neither key nor value that puts a rule set in
// force in its partition (W8): windows that start after the highest timestamp of
// the events counted before it are judged by that set.
type RulesChange struct {
	Hash string // of the set
	At   Millis // when it was applied
}

// Tick is a record with neither key nor value that states, on the log, how long
// its partition has been quiet: it closes windows where no event does (W3).
type Tick struct {
	// After is the offset of the partition's last record with a value before
	// the tick, or -1. With any other record with a value in between, the tick
	// is not valid.
	After int64
	// Quiet is how long no event has moved the event watermark.
	Quiet Millis
}
