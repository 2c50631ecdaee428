// Package windows counts the events of one partition of the log in each
// product's windows and says which alerts follow. It does no I/O and reads no
// clock: a Partition is a function of the records passed to it and of where
// they stand.
//
// It promises: time is what the events and the ticks on the log say (W3); each
// identity counts once in each open window of its time (E3, W5); an alert's
// version is the offset at which it is emitted, and a final alert is the same
// however often Changed was asked before (W4); a Partition resumed from any
// Commit gives the same final alerts as one that read the whole log (W6).
// Memory is bounded by what is in open windows, and where more ids come than
// are remembered, the alert says that it is not exact.
//
// The caller passes records in the order of their offsets, writes
// what Changed gives to the alerts topic, says Acknowledge when that is safe,
// and only then, before the next record, asks for the Commit.
package windows
