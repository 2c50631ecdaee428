package parse_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"clickstream/ingest/formats"
	"clickstream/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPropertiesKeepWithinAnEventsLimits(t *testing.T) {
	half := `"` + strings.Repeat("x", event.MaxProperties/2) + `"`
	deep := strings.Repeat("[", 60) + strings.Repeat("]", 60)
	line := func(properties string) string {
		return fmt.Sprintf(`{"type":"track","event":"seen","messageId":"m","userId":"u","timestamp":"2022-10-31T10:40:00Z","properties":{%s}}`, properties)
	}
	for _, tt := range []struct{ name, properties, want string }{
		{"what is absent", `"a":null,"b":"","c":{},"d":[],"e":"(not set)","f":0,"g":false`, `{"f":0,"g":false}`},
		{"the first of two", `"a":1,"b":2,"a":3,"\u0061":4`, `{"a":1,"b":2}`},
		{"names with escapes", `"a\"b\n":1`, `{"a\"b\n":1}`},
		{"too much", `"a":` + half + `,"b":` + half + `,"c":` + half + `,"d":1`, `{"a":` + half + `,"d":1,"left_out":2}`},
		{"too deep", `"a":` + deep + `,"b":[[1]]`, `{"b":[[1]],"left_out":1}`},
		{"many", strings.Repeat(`"\u0001":1,`, 3000) + manyNames(3000), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := formats.Open(strings.NewReader(line(tt.properties)), formats.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var e event.Event
			if err := r.Next(&e); err != nil {
				t.Fatal(err)
			}
			if tt.want != "" && e.Properties != tt.want {
				t.Errorf("properties are %.200q, want %.200q", e.Properties, tt.want)
			}
			var again event.Event
			var d event.Decoder
			if err := d.Decode(e.AppendJSON(nil), &again); err != nil || e.Validate(e.Timestamp) != nil {
				t.Errorf("the event cannot be stored: %v, %v", err, e.Validate(e.Timestamp))
			}
		})
	}
}

// manyNames is so many properties of few bytes each.
func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%d":1,`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}
