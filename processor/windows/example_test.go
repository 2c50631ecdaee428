package windows_test

import (
	"fmt"
	"time"

	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/processor/windows"
)

// A product with three views and no purchase in a window of a minute fires while
// the window is open, and is confirmed when a tick on the log closes it.
func Example() {
	rule := event.Rule{ViewsOver: 2, PurchasesUnder: 1, Window: time.Minute, Slide: time.Minute, Lateness: 0}
	set, err := rules.FlashSale(rule)
	if err != nil {
		panic(err)
	}
	p := windows.New(set, 0, false)
	noon := event.MillisOf(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	show := func() {
		for _, a := range p.Changed(nil) {
			fmt.Println(a.ProductID, a.Status, a.Views, "views,", a.Purchases, "purchases, version", a.Version)
		}
		p.Acknowledge(p.Offset()) // the alerts topic has them
	}

	for offset := range int64(3) {
		e := event.Event{
			ID: fmt.Sprint("e", offset), Type: event.TypeView, Timestamp: noon + event.Millis(offset), SessionID: "s", ProductID: "boot", Quantity: 1,
		}
		p.Event(&e, e.Timestamp, offset)
	}
	show()
	p.Tick(event.Tick{After: 2, Quiet: 60_000}, 3)
	show()
	// Output:
	// boot firing 3 views, 0 purchases, version 3
	// boot confirmed 3 views, 0 purchases, version 4
}
