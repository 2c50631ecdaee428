// Package backtest says which alerts rule sets would have raised on past days,
// with the windows that the processor counts in.
//
// It reads a [Source] and writes nothing: no alert, no tick, no commit, and it
// joins no group. The sets that it is given judge all windows; changes of rules
// that are on the log are passed over. Where the source is the log and a set is the one
// that the processor judges by, the alerts are those that the processor emits.
//
// Records are read from long enough before the first window that all windows of
// the time asked for are whole, and each partition is read until the last of them
// has closed. Partitions are read on all cores, each by one goroutine, in the order
// of its offsets. Memory grows with the number of episodes and of products that
// have alerts, not with the number of events.
package backtest
