// Package ingest holds the ways into the log: importers of files, the HTTP
// collector and the normaliser of the inbound topic's records. All of them,
// and the generator of package shop, write through a Producer.
//
// It promises: only valid events get onto the log; what breaks a rule goes to
// the rejected topic with its original bytes, a reason and where it came from
// (E1); what is counted as accepted is acknowledged by all in-sync replicas;
// an event without an id gets one that is the same whenever the same thing is
// read again (I4), so that duplicates are recognised by identity (E3) and
// nothing here needs to remember what it has done.
package ingest
