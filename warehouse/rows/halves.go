package rows

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
)

// Halves returns copies of the earlier and the later half of the rows. They have
// few days in common: a table has a part for each day of an INSERT.
func (c *Events) Halves() (early, late *Events) {
	early, late = NewEvents(), NewEvents()
	halve(c.input, c.timestamp, early.input, late.input)
	return early, late
}

// Halves returns copies of the earlier and the later half of the rows, by the
// starts of their windows.
func (c *Alerts) Halves() (early, late *Alerts) {
	early, late = NewAlerts(), NewAlerts()
	halve(c.input, c.start, early.input, late.input)
	return early, late
}

// Halves returns copies of the earlier and the later half of the rows, by when
// they were received.
func (c *Rejected) Halves() (early, late *Rejected) {
	early, late = NewRejected(), NewRejected()
	halve(c.input, c.received, early.input, late.input)
	return early, late
}

// halve appends the earlier half of the rows to one and the later half to another
// set of the same columns. Within both they keep their order.
func halve(from proto.Input, times *Times, early, late proto.Input) {
	order := make([]int, times.Rows())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(times.Data[a], times.Data[b]) })
	isLate := make([]bool, len(order))
	for _, row := range order[len(order)/2:] {
		isLate[row] = true
	}
	for i, column := range from {
		divide(column.Data, early[i].Data, late[i].Data, isLate)
	}
}

// divide appends each row of a column to one of two others.
func divide(from, early, late proto.ColInput, isLate []bool) {
	switch from := from.(type) {
	case *Strings:
		left := from.buf
		choose(early.(*Strings), late.(*Strings), isLate, func(to *Strings, _ int) {
			size, n := binary.Uvarint(left)
			end := n + int(size)
			to.AppendBytes(left[n:end])
			left = left[end:]
		})
	case *Words:
		choose(early.(*Words), late.(*Words), isLate, func(to *Words, row int) { to.Append(from.words[from.keys[row]]) })
	case *Prices:
		choose(early.(*Prices), late.(*Prices), isLate, func(to *Prices, row int) {
			to.Append(int64(from.values[row]), from.nulls[row] == 0)
		})
	case *Times:
		choose(early.(*Times), late.(*Times), isLate, func(to *Times, row int) { to.AppendRaw(from.Data[row]) })
	case *proto.ColUInt32:
		choose(early.(*proto.ColUInt32), late.(*proto.ColUInt32), isLate, func(to *proto.ColUInt32, row int) { to.Append((*from)[row]) })
	case *proto.ColInt32:
		choose(early.(*proto.ColInt32), late.(*proto.ColInt32), isLate, func(to *proto.ColInt32, row int) { to.Append((*from)[row]) })
	case *proto.ColInt64:
		choose(early.(*proto.ColInt64), late.(*proto.ColInt64), isLate, func(to *proto.ColInt64, row int) { to.Append((*from)[row]) })
	case *proto.ColUInt64:
		choose(early.(*proto.ColUInt64), late.(*proto.ColUInt64), isLate, func(to *proto.ColUInt64, row int) { to.Append((*from)[row]) })
	case *proto.ColFloat64:
		choose(early.(*proto.ColFloat64), late.(*proto.ColFloat64), isLate, func(to *proto.ColFloat64, row int) { to.Append((*from)[row]) })
	case *proto.ColBool:
		choose(early.(*proto.ColBool), late.(*proto.ColBool), isLate, func(to *proto.ColBool, row int) { to.Append((*from)[row]) })
	default:
		panic(fmt.Sprintf("rows: a column of the type %T cannot be divided", from))
	}
}

func choose[C any](early, late C, isLate []bool, add func(to C, row int)) {
	for row, is := range isLate {
		if is {
			add(late, row)
		} else {
			add(early, row)
		}
	}
}
