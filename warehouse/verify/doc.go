// Package verify shows that the tables and the alerts are what the log says. It
// reads the log again, up to the end it has at the beginning, into a table of
// its own, and compares in SQL, with nothing of the processor's code:
//   - the identities on the log with the view events, both ways (E3, M1);
//   - the alerts that follow from the log by W1 to W5 with the confirmed ones
//     in flash_sale_alerts (W7);
//   - the invalid records of the log with rejected_events (E1).
//
// What arrives meanwhile is left out. The table of its own is dropped at the
// end, however that comes, short of a crash: tables verify_log_… that are left
// then may be dropped.
package verify
