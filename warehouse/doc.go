// Package warehouse is the way to ClickHouse: the connection, the migrations
// and the check that the tables belong to the log that is stored in them.
//
// It promises:
//   - a Config is checked as a whole before any connection is opened, and its
//     password is in no error, log line or printed form;
//   - every connection has the same pinned settings, whatever the server's
//     defaults are: an insert is stored when it is answered, and no row is
//     left out because another insert looked like it;
//   - Migrate may be run by several instances at once and again after it was
//     cut off: every statement of a migration may be repeated;
//   - one function, Retriable, says which errors are worth waiting for.
//
// It starts no goroutine of its own.
package warehouse
