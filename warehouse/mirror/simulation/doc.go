// Package simulation runs the mirror in a testing/synctest bubble: the real
// Kafka client and an embedded broker on a simulated network, and a model of
// ClickHouse in the place of the warehouse. A seed decides the load, the faults
// and their times. Its tests check M1, M2 and E1: no acknowledged record is
// missing, none is shown twice, no offset is committed before its row is stored,
// and the rejected topic holds the invalid records exactly.
//
//	task sim                        a thousand seeds
//	task sim -- --seeds 10000       more of them
//	task sim -- --seed 17           one, with all that happened in it
package simulation
