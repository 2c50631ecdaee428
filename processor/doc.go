// Package processor turns the log into flash-sale alerts. It reads the log as a
// member of a group, writes alerts and ticks, and commits; the counting itself,
// windows per product and a watermark per partition, is package windows.
//
// It promises: every alert is a pure function of its partition's log up to the
// alert's version (W4), so that the same log gives the same final alerts
// whatever was killed when and however many instances ran (W6). State lives in
// memory and is rebuilt from the log; what lies before the point where the
// rebuilding starts is in the commit's metadata. Nothing here reads a wall
// clock: what closes a window in a shop that has gone quiet is a record on the
// log too, a tick.
package processor
