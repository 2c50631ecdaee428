package instance

import (
	"context"

	"clickstream/processor"
)

// Unremembered are the events that the role processor of one instance had no room
// to remember since it started. It counts them whether or not an alert says so.
type Unremembered struct {
	IDs      int64 `json:"ids"`      // counted, but a later copy counts again
	Products int64 `json:"products"` // not counted: too many other products came at that time
}

// runProcessor runs p and publishes what it has not remembered.
func (r *Roles) runProcessor(ctx context.Context, p *processor.Processor) error {
	return r.showing(ctx, p.Run, showUnremembered(p.Stats))
}

// showUnremembered is a look at what stats says is not remembered.
func showUnremembered(stats func() processor.Stats) look {
	return func(shown *Description) bool {
		s := stats()
		now := Unremembered{IDs: s.UnrememberedIDs, Products: s.UnrememberedProducts}
		moved := shown.Unremembered == nil || *shown.Unremembered != now
		shown.Unremembered = &now
		return moved
	}
}
