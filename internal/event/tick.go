package event

import "strconv"

// Header is one header of a record on the log.
type Header struct {
	Key   string
	Value []byte
}

// Tick is a record with neither key nor value that tells, on the log, how long
// its partition has been quiet: it closes windows where no event does (W3).
type Tick struct {
	// After is the offset of the partition's last record with a value before
	// the tick, or -1. With any other record with a value in between, the tick
	// is not valid.
	After int64
	// Quiet is how long no event has moved the event watermark.
	Quiet Millis
}

const (
	headerTick  = "tick"
	headerAfter = "after"
	headerQuiet = "quiet_ms"
)

// Headers is the tick as a record's headers.
func (t Tick) Headers() []Header {
	return []Header{
		{headerTick, []byte("1")},
		{headerAfter, strconv.AppendInt(nil, t.After, 10)},
		{headerQuiet, strconv.AppendInt(nil, int64(t.Quiet), 10)},
	}
}

// ParseTick reads a tick from the headers of a record without a value. Records
// without a value that are no tick mean nothing, and every reader skips them.
func ParseTick(headers []Header) (Tick, bool) {
	var t Tick
	var tick, after, quiet bool
	for _, h := range headers {
		n, err := strconv.ParseInt(string(h.Value), 10, 64)
		if err != nil {
			continue
		}
		switch h.Key {
		case headerTick:
			tick = n == 1
		case headerAfter:
			t.After, after = n, n >= -1
		case headerQuiet:
			t.Quiet, quiet = Millis(n), n >= 0
		}
	}
	return t, tick && after && quiet
}
