package cli

import (
	"maps"
	"strings"
	"testing"
)

// Write keys come from the environment, where no process list shows them, and
// an error does not repeat what may be a secret.
func TestWriteKeysFromTheEnvironment(t *testing.T) {
	t.Setenv(envWriteKeys, "shop:s3cret, app:a:b")
	got, err := writeKeys("")
	if want := map[string]string{"shop": "s3cret", "app": "a:b"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for given, want := range map[string]string{
		"s3cret":               "key 1: write NAME:SECRET",
		"shop:s3cret,":         "key 2: write NAME:SECRET",
		"shop:s3cret,shop:two": "given twice",
	} {
		t.Setenv(envWriteKeys, given)
		if _, err := writeKeys(""); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: got %v, want %q", given, err, want)
		}
	}
	if _, err := writeKeys("a-file"); err == nil || !strings.Contains(err.Error(), "both given") {
		t.Errorf("a file too: %v", err)
	}
}
