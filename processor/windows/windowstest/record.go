package windowstest

import (
	"fmt"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
)

// Record is one record of a test's log: an event, a tick, a change of rules,
// invalid, or nothing.
type Record struct {
	Offset   int64
	Kind     Kind
	Event    event.Event
	Received event.Millis
	Tick     event.Tick
	Set      *rules.Set
}

// Kind says which of a Record's fields mean something.
type Kind int

const (
	IsEvent Kind = iota
	IsTick
	IsInvalid
	IsNothing
	IsRules
)

func (r Record) String() string {
	switch r.Kind {
	case IsEvent:
		return fmt.Sprintf("%d: %s %s %s at %s, received %s", r.Offset, r.Event.Type, r.Event.ProductID, r.Event.ID, r.Event.Timestamp, r.Received)
	case IsTick:
		return fmt.Sprintf("%d: tick after %d, quiet %s", r.Offset, r.Tick.After, r.Tick.Quiet.Duration())
	case IsInvalid:
		return fmt.Sprintf("%d: invalid", r.Offset)
	case IsRules:
		return fmt.Sprintf("%d: rules %s", r.Offset, r.Set.AppendJSON(nil))
	}
	return fmt.Sprintf("%d: nothing", r.Offset)
}
