package event

import "strconv"

// OriginKind says which door a rejected record came through.
type OriginKind string

const (
	OriginTopic     OriginKind = "topic"     // Name is the topic; Partition and Position its partition and offset
	OriginFile      OriginKind = "file"      // Name is the file; Position its line, from 1
	OriginCollector OriginKind = "collector" // Name is the write key; Position the index in the request, from 0
)

// Origin is where a rejected record came from.
type Origin struct {
	Kind      OriginKind
	Name      string
	Partition int32
	Position  int64
}

// DeadLetter is a rejected record: the original bytes and why (E1).
type DeadLetter struct {
	Value []byte
	Rejection
	Origin
}

const (
	headerReason    = "reason"
	headerField     = "field"
	headerMessage   = "message"
	headerKind      = "origin_kind"
	headerName      = "origin"
	headerPartition = "origin_partition"
	headerPosition  = "origin_position"
)

// Headers is everything but the value, as a record's headers.
func (l DeadLetter) Headers() []Header {
	return []Header{
		{headerReason, []byte(l.Reason)},
		{headerField, []byte(l.Field)},
		{headerMessage, []byte(l.Message)},
		{headerKind, []byte(l.Kind)},
		{headerName, []byte(l.Name)},
		{headerPartition, strconv.AppendInt(nil, int64(l.Partition), 10)},
		{headerPosition, strconv.AppendInt(nil, l.Position, 10)},
	}
}

// ParseDeadLetter reads a record of the rejected topic. It never fails: what is
// in that topic is stored whatever its bytes (M2). A record without an origin
// is its own: the topic, partition and offset where it stands.
func ParseDeadLetter(value []byte, headers []Header, self Origin) DeadLetter {
	l := DeadLetter{Value: value}
	var hasName, hasPosition bool
	for _, h := range headers {
		v := string(h.Value)
		switch h.Key {
		case headerReason:
			l.Reason = Reason(v)
		case headerField:
			l.Field = v
		case headerMessage:
			l.Message = v
		case headerKind:
			l.Kind = OriginKind(v)
		case headerName:
			l.Name, hasName = v, true
		case headerPartition:
			n, _ := strconv.ParseInt(v, 10, 32)
			l.Partition = int32(n)
		case headerPosition:
			n, err := strconv.ParseInt(v, 10, 64)
			l.Position, hasPosition = n, err == nil
		}
	}
	if !hasName || !hasPosition || l.Kind == "" {
		l.Origin = self
	}
	return l
}
