package broker

import (
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
)

// NewLogger passes the Kafka client's warnings and errors to l.
func NewLogger(l zerolog.Logger) kgo.Logger { return &clientLog{log: l} }

type clientLog struct{ log zerolog.Logger }

func (c *clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

func (c *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {}
