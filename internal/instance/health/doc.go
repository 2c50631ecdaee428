// Package health says how an instance and its pipeline are: the engines, the
// roles with their members and lag, the rows and the due jobs.
//
// Check never takes an engine that it cannot reach for an empty one: what it
// could not learn is nil in the Report, and the engine is unwell. It asks
// both engines at the same time, for AskWithin, and then waits for a lag to
// shrink, for LagWait. An engine that accepts connections and says nothing ends
// with the clients' own timeouts, after some ten seconds.
package health
