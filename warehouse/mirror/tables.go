package mirror

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// Tables is what a Mirror needs of the warehouse.
type Tables interface {
	// CheckLog refuses a log that is not the tables' own.
	CheckLog(ctx context.Context, id broker.LogIdentity) error
	// TableSet identifies the tables.
	TableSet(ctx context.Context) (warehouse.TableSet, error)
	// RecordGaps records gaps that noticedBy has noticed; on return they are
	// stored. It returns what of them was not recorded before.
	RecordGaps(ctx context.Context, noticedBy string, gaps []broker.Gap) ([]broker.Gap, error)
	// Connect opens a connection. It is used by one goroutine at a time.
	Connect(ctx context.Context) (Connection, error)
}

// Connection stores rows.
type Connection interface {
	// Insert stores the rows of blocks, none of which is empty, in a table by
	// one INSERT: ClickHouse makes one part of them for each day. After an error
	// all of the rows may be stored, or some, or none.
	Insert(ctx context.Context, table string, blocks []proto.Input) error
	// Closed says whether the connection is of no use any more.
	Closed() bool
	Close() error
}

// clickHouse are the tables of a warehouse.
type clickHouse struct{ *warehouse.Warehouse }

func (c clickHouse) Connect(ctx context.Context) (Connection, error) {
	client, err := c.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return connection{client}, nil
}

type connection struct{ client *ch.Client }

func (c connection) Closed() bool { return c.client.IsClosed() }
func (c connection) Close() error { return c.client.Close() }

// Insert streams the blocks one after the other; the server puts them together
// before it makes parts of them.
func (c connection) Insert(ctx context.Context, table string, blocks []proto.Input) error {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	// The client sends what the columns of input are at each call of OnInput.
	input, next := append(proto.Input(nil), blocks[0]...), 1
	q := ch.Query{
		Body:  input.Into(table),
		Input: input,
		Settings: []ch.Setting{
			// Copies meet at the first merge; looking for them in each insert
			// costs a third more.
			{Key: "optimize_on_insert", Value: "0", Important: true},
		},
	}
	if len(blocks) > 1 {
		q.OnInput = func(context.Context) error {
			copy(input, blocks[next])
			next++
			if next == len(blocks) {
				return io.EOF // with rows: the last block
			}
			return nil
		}
	}
	err := warehouse.Do(ctx, c.client, q)
	if err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = errors.Join(errTooSlow, err)
	}
	return err
}

// errTooSlow says that an INSERT has not ended in time. It may be too large.
var errTooSlow = errors.New("no answer within " + insertTimeout.String())

// A server that has not taken a batch by then is asked again on a new
// connection.
const insertTimeout = time.Minute
