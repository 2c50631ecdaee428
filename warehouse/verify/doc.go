// Package verify shows that the tables and the alerts are what the log says. It
// reads the log again, up to the end it has at the beginning, and compares with
// code that neither the mirror nor the processor has.
//
// Events (E3, M1). Each row of the view events is written as the text that its
// record has on the log, by ClickHouse, and hashed (128 bits) with its key. The
// log is read in the order of offsets beside these hashes: a record whose value
// and key have the hash of the row from its place, and its receive time, is
// stored right, every column of it. No decoder is part of that. All other
// records are decoded by ClickHouse's own JSON functions, which check the rules
// of an event too: each must be a duplicate of a row with the same identity at a
// lower offset, or be compared with its row column by column, or be invalid and
// in rejected_events. A row without a record, or one that should not be there,
// is found in the same pass.
//
// Where ClickHouse's JSON functions read something else than the rules say
// (numbers beyond a double, half a surrogate pair, more than 64 brackets), a
// record is not compared: such records are counted in the report.
//
// Alerts (W7). The windows that qualify are counted again from the log by W1 to
// W5, in SQL, and compared with the alerts as they stand: none is missing, none
// is there without reason, no closed window stands as firing. Event by event it is
// found which windows qualified for a time: each has an alert too, retracted if it
// no longer did when it closed (W4), and the alert names the episode of the nearest
// window that had qualified before (W9). Under a rule that counts more than
// 500,000 events these are the windows of products that have an alert or a window
// that qualified when it closed, and of a sixteenth of the others. Where the log is
// not read from its beginning, episodes are not compared. Which rule judges a
// window follows from the changes of rules on the log (W8); where the log is not
// read from its beginning, the index in the rules topic says which set is in force
// there. Whether a change is one too many is known only of changes that are read.
// Alerts of rules that no set in force on the log has are counted in the report
// and not compared. The alerts topic
// is compared with its table, every version of it, and so is the rejected topic.
// Gaps of the log that nobody has accepted are a difference.
//
// What arrives meanwhile is left out. Memory does not grow with the log: rows
// and records pass through in blocks, are looked up by day, and are counted by
// spans of time, in tables of our own on ClickHouse's disk (about 40 bytes an
// event). They are dropped at the end. A run that is interrupted leaves them with
// how far it has come, and the next one of the same log, tables, counted types and
// beginning goes on from there, up to the end that was fixed before. After a
// crash it does so once nothing has changed for ten minutes; what has not changed
// for an hour is dropped.
package verify
