// Package recount reads the topics and says what the tables have to hold and
// what a receiver of notices has to get, with plain loops, maps and
// encoding/json. It shares no code with the mirror, the processor and the
// notifier, whose work it checks: a fault in one is not a fault in the other.
// It knows the events that the torture's load sends, not all that there can be.
package recount
