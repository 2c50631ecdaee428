// Package embedded runs a ClickHouse of our own on loopback, for trying the
// pipeline out and for tests, on a machine that has none.
//
// What it promises:
//
//   - Start finds an engine or installs one through npm, once per machine however
//     many processes ask; an interrupted installation leaves nothing that a later
//     one would take for whole.
//   - Start returns a server that answers, on two free loopback ports. It
//     serves ClickHouse's native protocol and HTTP like any other.
//   - An engine that ended by itself comes up again with Restart, at the same
//     addresses: the library aborts after a failed handshake on its native port.
//   - An acknowledged row survives SIGKILL of the engine and of the process
//     that started it. (A power cut is another matter: nothing is fsynced.)
//   - The engine never outlives the process that started it, whatever ends it.
//   - A request without a password reads no table, no file and no address, and
//     cannot close the ports.
//
// What it is not for: production. There is no replication, no query log and
// no way to add users.
//
// The engine is a library that has to be loaded into a process of its own, so
// the binary starts itself again with a hidden first argument: every main and
// every TestMain that may start an engine calls ChildMain first.
//
// Built with the tag noembed, or for another system than Linux and macOS, the
// package keeps its functions, all of which say that there is no engine.
package embedded
