//go:build noembed || !(linux || darwin)

package embedded

import (
	"context"
	"fmt"
)

var errBuild = fmt.Errorf("this build has no embedded ClickHouse: give --clickhouse-addr: %w", errNoEngine)

// ChildMain returns at once: no process of this build is an engine.
func ChildMain() {}

// Server is never had in this build: Start makes none.
type Server struct{}

// Start says that there is no engine in this build.
func Start(context.Context, Options) (*Server, error) { return nil, errBuild }

func (*Server) TCPAddr() string               { return "" }
func (*Server) HTTPAddr() string              { return "" }
func (*Server) Credentials() Credentials      { return Credentials{} }
func (*Server) Done() <-chan struct{}         { return nil }
func (*Server) Err() error                    { return errBuild }
func (*Server) Restart(context.Context) error { return errBuild }
func (*Server) Close() error                  { return nil }
func (*Server) Kill()                         {}
