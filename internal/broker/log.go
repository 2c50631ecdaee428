package broker

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
)

// quiet is how long a warning of the Kafka client is not repeated: a broker
// that is unreachable would otherwise fill the log with every try.
const quiet = 30 * time.Second

// newClientLog passes the Kafka client's warnings and errors to l. The same
// message comes at most every 30 seconds, with the number of times it was held
// back.
func newClientLog(l zerolog.Logger, now func() time.Time) *clientLog {
	return &clientLog{log: l, now: now, seen: make(map[string]*logged)}
}

type clientLog struct {
	log  zerolog.Logger
	now  func() time.Time
	mu   sync.Mutex
	seen map[string]*logged // by message: the client has a fixed set of them
}

type logged struct {
	at       time.Time
	heldBack int
}

func (c *clientLog) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// leaving is a warning that comes whenever a group is left: the answer to our
// last commit arrives after that.
const leaving = "received an OffsetCommitResponse after our group session has ended"

func (c *clientLog) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	if strings.HasPrefix(msg, leaving) {
		return
	}
	e := c.log.Warn()
	if level == kgo.LogLevelError {
		e = c.log.Error()
	}
	if e == nil {
		return
	}
	heldBack, ok := c.due(msg)
	if !ok {
		return
	}
	if heldBack > 0 {
		e = e.Int("held_back", heldBack)
	}
	for i := 0; i+1 < len(keyvals); i += 2 {
		e = e.Str(fmt.Sprint(keyvals[i]), fmt.Sprint(keyvals[i+1]))
	}
	e.Msg("kafka client: " + msg)
}

func (c *clientLog) due(msg string) (heldBack int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	s := c.seen[msg]
	if s == nil {
		c.seen[msg] = &logged{at: now}
		return 0, true
	}
	if now.Sub(s.at) < quiet {
		s.heldBack++
		return 0, false
	}
	heldBack = s.heldBack
	*s = logged{at: now}
	return heldBack, true
}
