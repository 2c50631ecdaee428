package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"clickstream/ingest/mapping"
	"clickstream/internal/event"
)

// BenchmarkRows reads the same rows as a known format and by mappings.
func BenchmarkRows(b *testing.B) {
	const rows = 10_000
	var csv, jsonl strings.Builder
	csv.WriteString("event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n")
	for i := range rows {
		at := fmt.Sprintf("2019-10-01 %02d:%02d:%02d UTC", i/3600, i/60%60, i%60)
		fmt.Fprintf(&csv, "%s,view,%d,2103807459595387724,electronics.smartphone,samsung,%d.79,%d,72d76fde-8bb3-4e00-8c23-%d\n", at, 44600062+i%100, i%500, 541312140+i, i)
		fmt.Fprintf(&jsonl, `{"event_time":%q,"event_type":"view","product_id":%d,"category_id":"2103807459595387724","category_code":"electronics.smartphone","brand":"samsung","price":%d.79,"user":{"id":%d,"session":"72d76fde-8bb3-4e00-8c23-%d"}}`+"\n", at, 44600062+i%100, i%500, 541312140+i, i)
	}
	const columns = "event_type=event_type,event_type:cart=add_to_cart,product_id=product_id,product_category=category_code,brand=brand,price=price,"
	for _, bb := range []struct{ name, flag, file string }{
		{"rees46", "", csv.String()},
		{"mapped", columns + "timestamp=event_time,user_id=user_id,session_id=user_session", csv.String()},
		{"mapped with a layout", columns + "timestamp=event_time,time=YYYY-MM-DD HH:mm:ss UTC,zone=Europe/Berlin,user_id=user_id,session_id=user_session", csv.String()},
		{"mapped JSON lines", columns + "timestamp=event_time,user_id=user.id,session_id=user.session", jsonl.String()},
	} {
		b.Run(bb.name, func(b *testing.B) {
			o := Options{}
			if bb.flag != "" {
				m, err := mapping.Parse(bb.flag)
				if err != nil {
					b.Fatal(err)
				}
				o.Mapping = &m
			}
			b.ReportAllocs()
			for b.Loop() {
				r, err := Open(strings.NewReader(bb.file), o)
				if err != nil {
					b.Fatal(err)
				}
				var e event.Event
				n := 0
				for ; err == nil; n++ {
					err = r.Next(&e)
				}
				if !errors.Is(err, io.EOF) || n-1 != rows {
					b.Fatalf("%d rows, %v", n-1, err)
				}
				r.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}

// BenchmarkFormats reads the test file of each format, many times over.
func BenchmarkFormats(b *testing.B) {
	for _, name := range []string{"otto.jsonl", "retailrocket.csv", "taobao.csv", "shopify.csv", "segment.jsonl", "posthog.jsonl", "ga4.jsonl"} {
		b.Run(name, func(b *testing.B) {
			content, err := os.ReadFile("testdata/" + name)
			if err != nil {
				b.Fatal(err)
			}
			header := content[:0]
			if name == "retailrocket.csv" || name == "shopify.csv" {
				header = content[:bytes.IndexByte(content, '\n')+1]
			}
			file := append(bytes.Clone(header), bytes.Repeat(content[len(header):], 1+5_000_000/len(content))...)
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			events := 0
			for b.Loop() {
				r, err := Open(bytes.NewReader(file), Options{})
				if err != nil {
					b.Fatal(err)
				}
				var e event.Event
				for {
					if err := r.Next(&e); errors.Is(err, io.EOF) {
						break
					} else if err == nil {
						events++
					}
				}
				r.Close()
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
