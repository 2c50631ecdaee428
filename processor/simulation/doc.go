// Package simulation runs processors in a testing/synctest bubble: the real Kafka
// client and an embedded broker on a simulated network. A seed decides the load,
// the faults and their times. The rules are changed now and then (W8). Its tests
// check W1 to W9, but for W7: each version of each alert says what a plain model
// makes of the log up to there, its episode included, the final alerts are the
// model's, and once the shop is quiet every window has closed.
//
// What retention deletes is not simulated: the model needs the whole log.
//
//	task sim                        a thousand seeds of the mirror, 300 of the processor
//	task sim -- --seeds 10000       more of them
//	task sim -- --seed 17           one, with all that happened in it
package simulation
