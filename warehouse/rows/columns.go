package rows

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"clickstream/internal/event"
)

// Strings is a String column, kept as it is sent: each value after its length.
type Strings struct {
	buf  []byte
	rows int
}

// Append adds a row.
func (c *Strings) Append(s string) {
	c.buf = binary.AppendUvarint(c.buf, uint64(len(s)))
	c.buf = append(c.buf, s...)
	c.rows++
}

// AppendBytes adds a row.
func (c *Strings) AppendBytes(s []byte) {
	c.buf = binary.AppendUvarint(c.buf, uint64(len(s)))
	c.buf = append(c.buf, s...)
	c.rows++
}

// Reset takes all rows out.
func (c *Strings) Reset() { c.buf, c.rows = c.buf[:0], 0 }

// Bytes is the size of the column.
func (c *Strings) Bytes() int { return len(c.buf) }

// What follows is the column as ch-go sends it.

func (c *Strings) Type() proto.ColumnType       { return proto.ColumnTypeString }
func (c *Strings) Rows() int                    { return c.rows }
func (c *Strings) EncodeColumn(b *proto.Buffer) { b.PutRaw(c.buf) }
func (c *Strings) WriteColumn(w *proto.Writer) {
	if len(c.buf) > 0 {
		w.ChainWrite(c.buf)
	}
}

// keepWords is how many words a dictionary may hold and still be kept for the
// next block, where most of them come again.
const keepWords = 4096

// Words is a LowCardinality(String) column: each word once, rows by number.
type Words struct {
	words  []string
	index  Strings // words, as they are sent
	number map[string]uint32
	keys   proto.ColUInt32
	last   string // the word of the row before, and often of the next
	lastNo uint32
}

// Append adds a row.
func (c *Words) Append(s string) {
	if len(c.keys) > 0 && s == c.last {
		c.keys = append(c.keys, c.lastNo)
		return
	}
	no, known := c.number[s]
	if !known {
		if c.number == nil {
			c.number = make(map[string]uint32)
		}
		no = uint32(len(c.words))
		// A copy: s may lie in a record that is given back.
		s = strings.Clone(s)
		c.number[s] = no
		c.words = append(c.words, s)
		c.index.Append(s)
	}
	c.last, c.lastNo = c.words[no], no
	c.keys = append(c.keys, no)
}

// Reset takes all rows out.
func (c *Words) Reset() {
	c.keys = c.keys[:0]
	if len(c.words) > keepWords {
		c.words = nil
		c.index.Reset()
		clear(c.number)
	}
}

// Bytes is the size of the column.
func (c *Words) Bytes() int { return c.index.Bytes() + 4*len(c.keys) }

func (c *Words) raw() proto.ColLowCardinalityRaw {
	return proto.ColLowCardinalityRaw{Index: dictionary{&c.index}, Key: proto.KeyUInt32, Keys32: c.keys}
}

// What follows is the column as ch-go sends it.

func (c *Words) Type() proto.ColumnType {
	return proto.ColumnTypeLowCardinality.Sub(proto.ColumnTypeString)
}
func (c *Words) Rows() int                    { return len(c.keys) }
func (c *Words) EncodeState(b *proto.Buffer)  { c.raw().EncodeState(b) }
func (c *Words) EncodeColumn(b *proto.Buffer) { c.raw().EncodeColumn(b) }
func (c *Words) WriteColumn(w *proto.Writer)  { c.raw().WriteColumn(w) }

// dictionary lets a Strings be an index; it is never read into.
type dictionary struct{ *Strings }

func (dictionary) DecodeColumn(*proto.Reader, int) error {
	panic("a dictionary that is sent is not read")
}

// Prices is a Nullable(Decimal(18, 4)) column.
type Prices struct {
	nulls  proto.ColUInt8
	values proto.ColDecimal64
}

// Append adds a row; price means nothing unless has.
func (c *Prices) Append(price int64, has bool) {
	null := uint8(0)
	if !has {
		null, price = 1, 0
	}
	c.nulls = append(c.nulls, null)
	c.values = append(c.values, proto.Decimal64(price))
}

// Reset takes all rows out.
func (c *Prices) Reset() { c.nulls, c.values = c.nulls[:0], c.values[:0] }

// What follows is the column as ch-go sends it.

func (c *Prices) Type() proto.ColumnType { return "Nullable(Decimal(18, 4))" }
func (c *Prices) Rows() int              { return len(c.nulls) }
func (c *Prices) EncodeColumn(b *proto.Buffer) {
	c.nulls.EncodeColumn(b)
	c.values.EncodeColumn(b)
}
func (c *Prices) WriteColumn(w *proto.Writer) {
	c.nulls.WriteColumn(w)
	c.values.WriteColumn(w)
}

// Times is a DateTime64(3, 'UTC') column.
type Times struct{ proto.ColDateTime64 }

// newTimes returns an empty column.
func newTimes() *Times {
	c := &Times{}
	c.WithPrecision(proto.PrecisionMilli).WithLocation(time.UTC)
	return c
}

// Append adds a row.
func (c *Times) Append(m event.Millis) { c.AppendRaw(proto.DateTime64(m)) }
