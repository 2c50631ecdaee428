// Package embedded runs a broker inside this process, for trying out and for
// tests, never for production.
package embedded

import "errors"

// Options of an embedded broker; the zero value is right for normal use.
type Options struct{}

// Broker is a running embedded broker.
type Broker struct{}

// Start opens the log in dir, or makes a new one there, and serves it on a
// free loopback port.
func Start(dir string, opts Options) (*Broker, error) { return nil, errors.ErrUnsupported }

// Addr is the host:port to connect to.
func (b *Broker) Addr() string { return "" }

// Close stops serving and writes everything to disk.
func (b *Broker) Close() error { return nil }
