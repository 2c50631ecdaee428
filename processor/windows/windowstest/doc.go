// Package windowstest is for tests alone: a plain model of what the contracts
// W1 to W6 and W8 say of a log's alerts, to compare with what was emitted.
package windowstest
