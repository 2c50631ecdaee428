package event

// OriginKind says by which way a rejected record came in.
type OriginKind string

const (
	OriginTopic     OriginKind = "topic"     // Name is the topic; Partition and Position its partition and offset
	OriginFile      OriginKind = "file"      // Name is the file; Position its line, from 1
	OriginCollector OriginKind = "collector" // Name is the write key; Request the request; Position the index in it, from 0
)

// Origin is where a rejected record came from.
type Origin struct {
	Kind      OriginKind
	Name      string
	Request   string // an id of the HTTP request; two requests never share one
	Partition int32
	Position  int64
}

// Rejected is a record that breaks a rule: its original bytes, why it was
// rejected, and where it came from (E1).
type Rejected struct {
	Key   []byte // of the original record; nil where it had none
	Value []byte
	Rejection
	Origin
}
