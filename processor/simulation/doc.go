// Package simulation runs processors in a testing/synctest bubble: the real Kafka
// client and an embedded broker on a simulated network. A seed decides the load,
// the faults and their times. The rules are changed now and then (W8). Its tests
// check W1 to W9, but for W7: each version of each alert says what a plain model
// makes of the log up to there, its episode included, the final alerts are the
// model's, and once the shop is quiet every window has closed.
//
// For N1 the instances run notifiers too, and receivers are HTTP servers on the same
// network that fail as well. Each receiver gets an episode's first firing and its
// end, by an intent that the ledger had before, with the same bytes each time, or
// the ledger has a result that says why not. At a quiet point alerts are emitted
// again, as by a processor that counts the log once more, and notify nobody.
//
// What retention deletes is not simulated: the model needs the whole log.
//
//	task sim                        a thousand seeds of the mirror, 300 of the processor, 100 of the notifier
//	task sim -- --seeds 10000       more of them
//	task sim -- --seed 17           one, with all that happened in it
package simulation
