package cli

import (
	"fmt"
	"reflect"
	"time"

	"github.com/alecthomas/kong"
)

// decodeDuration is for flags that take a duration. Days are left out: they would
// be of 24 hours, and those of a shop may be of 23 or 25.
func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration: give hours, minutes or seconds, as in 36h, 90m, 1h30m or 10s", text)
	}
	target.SetInt(int64(d))
	return nil
}
