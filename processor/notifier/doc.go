// Package notifier tells people of alerts (N1): it reads the alerts topic and
// sends each episode's first firing and its end to receivers, webhooks and
// Slack-compatible ones.
//
// Where an alert names no episode, it is one of its own.
//
// # What it promises
//
// The notifications topic is its ledger, in the same partitions as the alerts.
// Before a notice is sent to a receiver, the ledger has acknowledged an intent
// with its exact bytes; after the receiver's answer, a result. An intent without
// a result is sent again, by whoever owns its partition then: the same bytes
// with the same Idempotency-Key. So a notice is sent once where neither an
// instance nor an answer is lost at that moment, and again otherwise; none is
// lost. Offsets of the alerts topic are committed only when what the alerts
// before them gave rise to is on the ledger.
//
// What has an entry on the ledger is decided for good. Alerts that are emitted
// again notify nobody, and neither do those of windows that ended long before
// (Config.MaxAge): their entry is a result, too_old.
//
// A receiver that does not answer holds up no other: each has its own queue, and
// a goroutine that sends. What it did not take within Config.GiveUp is given up
// after one more try, with a result that says so.
//
// # Order
//
// The end of an episode is sent to a receiver after its first notice, and not at
// all where that was not sent. Other notices have no order.
package notifier
