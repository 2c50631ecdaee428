// Package event holds the shop's click event and the other records that travel
// with it: the alert, the tick, the change of rules and the rejected record. It says what a
// record means, which ones are valid, and how they are written as bytes. It
// does no I/O.
//
// One decoder and one validity function serve every reader: what one role
// rejects, all reject (E2). An event's identity is its key, its type, its
// timestamp in milliseconds and its id (E3).
package event
