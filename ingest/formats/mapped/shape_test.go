package mapped

import (
	"testing"

	"clickstream/ingest/mapping"
)

// A minus is no quote where there are none.
func TestTheSeparatorOfAFileWithoutQuotesIsFound(t *testing.T) {
	if got := separatorOf([]byte("-a;b\n-c,;d\n-e,;f\n"), mapping.NoQuote); got != ';' {
		t.Errorf("it is %q", got)
	}
}
