// Package windows counts the events of one partition of the log in each
// product's windows and says which alerts follow. It does no I/O and reads no
// clock: a Partition is a function of the records passed to it and of where
// they stand.
//
// It promises: time is what the events and the ticks on the log say (W3); each
// identity counts once in each open window of its time (E3, W5); an alert's
// version is the offset at which it is emitted, and a final alert is the same
// however often Changed was asked before (W4); a Partition resumed from any
// Commit gives the same final alerts as one that read the whole log (W6); every
// window is judged by exactly one rule set, whose place on the log decides which
// (W8). The windows of one set are a generation; the rules of a set share its
// panes, stretches of event time that divide the slides of all its rules.
//
// Each alert names its episode (W9), which is a function of the log too. A
// Partition that is resumed needs what the alerts topic says of windows that
// qualified before: see History.
//
// Memory is bounded: ids and products are remembered as long as their windows
// are open, up to a cap for each pane. Beyond it an event's id is not remembered,
// so that a later copy counts again, or the event of another product is not
// counted. Either is counted in Counts, and every alert of a window with such an
// event says that it is not exact. What is remembered is a function of the log
// too, and the same after Resume. When the windows of a burst have closed, its
// memory is given up.
//
// The caller passes records in the order of their offsets, writes
// what Changed gives to the alerts topic, says Acknowledge when that is safe,
// and only then, before the next record, asks for the Commit.
package windows
