package formats

import (
	"bytes"
	"slices"
	"testing"
)

// These ids never change: with others an old file would be new. They were
// computed by another program from the recipes of package eventid.
func TestI4_IDsOfEachFormatAreWhatTheyWere(t *testing.T) {
	for _, tt := range []struct {
		file string
		line int64
		want []string // of the line's events that are not rejected
	}{
		{"retailrocket.csv", 8, []string{"row1-e2e0e40bcb91f13b14d3d3334e074900"}},
		{"retailrocket.csv", 11, []string{"row1-4c66918f887588fb423d751e0cd0dcf2"}},
		{"retailrocket.csv", 10, []string{"row1-a6960d55310b055ce9c5b8b96f27ff01"}},
		{"taobao.csv", 10, []string{"row1-cde0cf196a377c90978e217b0cdf5142"}},
		{"taobao.csv", 11, []string{"row1-625e112721a4d9aed3f15e2ac39df095"}},
		{"shopify.csv", 2, []string{"#1003/0"}},
		{"shopify.csv", 5, []string{"#1003/1"}},
		{"shopify.csv", 9, []string{"#1002/3"}},
		{"segment.jsonl", 1, []string{"ajs-next-1667212800123-1f0c"}},
		{"segment.jsonl", 2, []string{"m-2/0", "m-2/1"}},
		{"segment.jsonl", 9, []string{"row1-36da5aaacf6cfd7369b822eed1ccae81"}},
		{"segment.jsonl", 10, []string{"row1-729e605a190a9a3824ad15daae3d01e8"}},
		{"posthog.jsonl", 2, []string{"01843018-6a00-7000-8000-000000000002/0"}},
		{"ga4.jsonl", 1, []string{"ga41-92f1b54068884e14add650038f137ea6"}},
		{"ga4.jsonl", 3, []string{"ga41-04b4e236f79f371d13e3cbaff735aff6", "ga41-bba04ce85e6ce2a6a930112c00fdbc42"}},
		{"ga4.jsonl", 4, []string{"row1-6618ffd7410fa498d583ba350701f7b6"}},
	} {
		var got []string
		for _, r := range readAll(t, bytes.NewReader(readFile(t, tt.file)), Auto) {
			if r.line == tt.line && r.event != "" {
				got = append(got, field(r.event, "event_id"))
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s line %d has the ids %q, they were %q", tt.file, tt.line, got, tt.want)
		}
	}
	rows := readAll(t, bytes.NewReader(readFile(t, "otto.jsonl")), Auto)
	var fourth []string
	for _, r := range rows {
		if r.line == 4 {
			fourth = append(fourth, field(r.event, "event_id"))
		}
	}
	want := []string{"row1-5c185db8317700abe2f6c29af7ff7d8c", "row1-da61c52e133f2fb8e43ef0034616a660"}
	if n := len(fourth); n < 2 || !slices.Equal(fourth[n-2:], want) {
		t.Errorf("the last ids of line 4 are %q, they were %q", fourth, want)
	}
}
