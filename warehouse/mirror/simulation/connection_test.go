package simulation_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"clickstream/internal/broker"
	"clickstream/internal/simulation"
	"clickstream/warehouse"
	"clickstream/warehouse/mirror"
)

// tables are the server's tables as one instance reaches them.
type tables struct {
	server *server
	host   *simulation.Host
}

const tableSet warehouse.TableSet = "simulated"

func (t tables) CheckLog(context.Context, broker.LogIdentity) error { return t.reach() }

func (t tables) TableSet(context.Context) (warehouse.TableSet, error) { return tableSet, t.reach() }

func (t tables) reach() error {
	if !t.host.Pass() {
		return unreachable
	}
	if _, up := t.server.up(); !up {
		return unreachable
	}
	return nil
}

var unreachable = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}

// RecordGaps stores gaps at once. It returns those that were not recorded.
func (t tables) RecordGaps(_ context.Context, _ string, gaps []broker.Gap) ([]broker.Gap, error) {
	if err := t.reach(); err != nil {
		return nil, err
	}
	return t.server.recordGaps(gaps), nil
}

func (t tables) Connect(context.Context) (mirror.Connection, error) {
	if err := t.reach(); err != nil {
		return nil, err
	}
	start, _ := t.server.up()
	return &connection{tables: t, start: start}, nil
}

type connection struct {
	tables
	start  int // of the server
	closed atomic.Bool
}

func (c *connection) Closed() bool { return c.closed.Load() }

func (c *connection) Close() error {
	c.closed.Store(true)
	return nil
}

// answerTimeout is how long an instance waits for an answer.
const answerTimeout = time.Minute

// Insert reads the blocks at once: the server has them when the instance is
// killed or paused afterwards. Then it may store them, also late.
func (c *connection) Insert(ctx context.Context, table string, blocks []proto.Input) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	rows, err := readBlocks(table, blocks)
	if err != nil {
		return &ch.Exception{Code: 62, Name: "DB::Exception", Message: err.Error()} // a syntax error: it is fatal
	}
	if c.closed.Load() {
		return ch.ErrClosed
	}
	sent := ctx.Err() == nil
	if !c.host.Pass() || !c.server.has(c.start) || !sent {
		return c.broken(io.EOF)
	}
	err = c.execute(ctx, table, rows)
	// The answer waits while the host is paused.
	if !c.host.Pass() {
		return c.broken(io.EOF)
	}
	if err != nil {
		return c.broken(err)
	}
	return nil
}

func (c *connection) broken(err error) error {
	c.closed.Store(true)
	return err
}

// execute is the server's part of an INSERT.
func (c *connection) execute(ctx context.Context, table string, rows []row) error {
	time.Sleep(c.server.pause())
	days := c.server.days(table, rows)
	fault := c.server.fault(len(rows))
	end := error(nil)
	if fault != nil {
		switch fault.kind {
		case refuse:
			return exception(fault.code)
		case memory:
			return exception(241)
		case partial:
			days = days[:len(days)/2]
			end = exception(fault.code)
			if fault.code == 0 {
				end = io.ErrUnexpectedEOF
			}
		case lostAnswer:
			end = io.EOF
		case slow:
			time.Sleep(time.Duration(1+len(rows)/100) * time.Second / 2)
		case hang:
			if err := c.hang(ctx, fault); err != nil {
				// It may be stored all the same, when nobody waits any more.
				if c.server.chance(0.5) {
					return err
				}
				end = err
			}
		}
	}
	for _, day := range days {
		time.Sleep(c.server.pause())
		if c.isDead() && c.server.chance(0.5) {
			return io.EOF // the server has noticed that the client is gone
		}
		if !c.server.store(table, day, c.start) {
			return io.EOF
		}
	}
	if end == nil && ctx.Err() != nil && fault != nil {
		end = ctx.Err()
	}
	return end
}

func (c *connection) isDead() bool {
	select {
	case <-c.host.Died():
		return true
	default:
		return false
	}
}

// hang waits until the fault is over, the server or the instance ends, or the
// instance waits no longer.
func (c *connection) hang(ctx context.Context, f *tableFault) error {
	for {
		s := c.server
		s.mu.Lock()
		over, changed := true, s.changed
		for _, o := range s.faults {
			over = over && o != f
		}
		gone := s.down > 0 || s.starts != c.start
		s.mu.Unlock()
		switch {
		case gone:
			return io.EOF
		case over:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.host.Died():
			return io.EOF
		case <-changed:
		}
	}
}

func exception(code int) error {
	return &ch.Exception{Code: proto.Error(code), Name: "DB::Exception", Message: fmt.Sprintf("simulated error %d", code)}
}
