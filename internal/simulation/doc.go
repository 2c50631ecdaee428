// Package simulation runs code that has time, crashes and order in it against
// an embedded broker inside a testing/synctest bubble: minutes of simulated time
// pass in milliseconds, and a seed decides which faults come, when, and how long
// they last.
//
// A Network carries every connection between hosts and brokers, and cuts,
// pauses and refuses them. A Host is the machine of one process. A Cluster is
// the broker. Seeds runs a test once for each seed.
//
// What a seed does not decide is in which order goroutines run that are ready
// at the same time, and the jitter of the Kafka client. So a seed that failed
// may have to be repeated a few times.
//
// Only tests import this package. A bubble needs the build tag synctests, under
// which the Kafka client has mutexes that a bubble can wait for; without it Seeds
// skips the test.
package simulation
