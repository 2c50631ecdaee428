// Package broker is the way to the log: the connection to anything that speaks
// Kafka's protocol, the topics, offsets and commits.
//
// It promises:
//   - a Config is checked as a whole before any connection is opened, and its
//     password is in no error, log line or printed form;
//   - EnsureTopics creates what is missing and never changes what exists;
//   - end offsets are read committed: everything before one can be read now;
//   - a commit is fenced by the group member's generation, so that a writer
//     that wakes up after another member has got its partition commits nothing;
//   - one function, Classify, says which errors are worth waiting for.
//
// It starts no goroutine of its own. Only classic consumer groups are used:
// Redpanda has no other.
package broker
