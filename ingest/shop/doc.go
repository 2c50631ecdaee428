// Package shop generates a shop's traffic, for trying things out and for
// measuring: a catalogue, visitors who come back, and one product in a flash
// sale, which many view and hardly anybody buys.
//
// It promises: the events are valid and in the order of time, a function of
// the options alone, and of all products only the one on sale qualifies for an
// alert under the default rule.
package shop
