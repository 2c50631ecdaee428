// Package recount reads the topics and says what the tables have to hold, with
// plain loops, maps and encoding/json. It shares no code with the mirror and the
// processor, whose work it checks: a fault in one is not a fault in the other.
// It knows the events that the torture's load sends, not all that there can be.
package recount
