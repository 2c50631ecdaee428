// Package health checks an instance and its pipeline: the engines, the roles
// with their members and lag, the rows and the due jobs.
//
// Check never takes an unreachable engine for an empty one: what it could not
// find out is nil in the Report, and the engine is unwell. It queries both
// engines at the same time, for up to QueryTimeout, and then waits up to LagWait
// for a lag to shrink. For an engine that accepts connections and does not
// answer, the clients' own timeouts apply, which are about ten seconds.
package health
