// Package mirror copies the log, the alerts and the rejected topic into the
// warehouse's tables.
//
// It promises:
//   - every record with a value is stored, and offsets are committed only after
//     the rows are (M1, M2): what was not committed is read and stored again,
//     and the views show one row per identity;
//   - a batch is never given up: an error that passes is waited for, and the
//     same rows are sent again; a record of the log that is no event goes to
//     the rejected topic before its offset is committed;
//   - offsets that a topic no longer holds when they are to be read are recorded
//     as a gap before the partition is read on (M6);
//   - memory is bounded by sixteen blocks of 50,000 events or 14 MiB, which all
//     batches share, and by what the client has fetched;
//   - a row can be read about half a second after its record, at low traffic.
//
// It does not promise that a record is stored once: a crash repeats the
// batches in flight (M3).
//
// The way of a batch: read fills it until it is due and a writer has nothing to
// do, or it is full; one of two writers stores it by one INSERT for each table,
// block by block, while the next is filled; and commit takes batches in the order in which they were
// filled, each after its rows are stored.
package mirror
