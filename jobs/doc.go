// Package jobs makes the shop's daily reports: it runs the jobs at their
// hours, by hand or for days in the past, and reads what they made.
//
// A run is for one day of the shop's time zone (23, 24 or 25 hours). It fixes
// the log's end, waits until the mirror has stored everything before it, and
// replaces the day's rows in one step (J1): readers see the old rows or the new
// ones, and the same offsets give the same rows. Whatever is killed when, no
// half day is left; runs of one job and day at the same time end with the rows
// of one of them. Every run is in job_runs, with the offsets it read (J2).
//
// A table holds what depends on its day alone. Comparisons with other days are
// views over the tables.
package jobs
