// Package health says how an instance and its pipeline are: the engines, the
// roles with their members and lag, the rows and the due jobs.
//
// Check never takes an engine that it cannot reach for an empty one: what it
// could not learn is nil in the Report, and the engine is unwell. It asks
// both engines at the same time and takes at most some 13 seconds.
package health
