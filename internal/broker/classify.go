package broker

// Class says what to do about an error of the broker.
type Class int

const (
	None      Class = iota // no error
	Canceled               // our own context ended
	Retriable              // wait and try again: the broker is away, elects a leader, ...
	Fatal                  // stop and say so: waiting does not help
)

// Classify says what kind of error err is.
func Classify(err error) Class { return Fatal }
