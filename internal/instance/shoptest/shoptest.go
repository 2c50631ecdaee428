// Package shoptest is a plain model of the flash-sale alert, for tests that
// compare what the pipeline makes of a file with what brute force finds in it.
package shoptest

import (
	"encoding/csv"
	"os"
	"testing"
	"time"

	"clickstream/internal/event"
)

// Row is a row of a file of the format REES46 as the plain models read it.
type Row struct {
	At                            time.Time
	Kind, Product, Category, User string
}

// Rows reads a file with the standard library alone.
func Rows(t *testing.T, file string) []Row {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for _, r := range all[1:] {
		at, err := time.Parse("2006-01-02 15:04:05 UTC", r[0])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, Row{At: at, Kind: r[1], Product: r[2], Category: r[4], User: r[7]})
	}
	return rows
}

// productWindow is a product and the Unix time at which a window of it starts.
type productWindow struct {
	Product string
	Start   int64
}

// BruteForce counts every row in all of its windows of ten minutes, and keeps
// those that qualify: views and purchases.
func BruteForce(rows []Row, viewsOver, purchasesUnder int) map[productWindow][2]int {
	counts := map[productWindow][2]int{}
	for _, r := range rows {
		if r.Kind != "view" && r.Kind != "purchase" {
			continue
		}
		minute := r.At.Unix() / 60
		for m := minute - 9; m <= minute; m++ {
			w := productWindow{r.Product, m * 60}
			c := counts[w]
			if r.Kind == "view" {
				c[0]++
			} else {
				c[1]++
			}
			counts[w] = c
		}
	}
	for w, c := range counts {
		if c[0] <= viewsOver || c[1] >= purchasesUnder {
			delete(counts, w)
		}
	}
	return counts
}

// Alert is a final alert as it is read from the tables.
type Alert struct {
	ProductID      string    `ch:"product_id"`
	WindowStart    time.Time `ch:"window_start"`
	WindowEnd      time.Time `ch:"window_end"`
	Views          uint64    `ch:"views"`
	Purchases      uint64    `ch:"purchases"`
	ConversionRate float64   `ch:"conversion_rate"`
	Status         string    `ch:"status"`
}

// SameAlerts compares confirmed alerts with what brute force found.
func SameAlerts(t *testing.T, found []Alert, want map[productWindow][2]int) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("brute force finds nothing: the comparison would prove nothing")
	}
	seen := map[productWindow]bool{}
	for _, a := range found {
		w := productWindow{a.ProductID, a.WindowStart.Unix()}
		c, ok := want[w]
		if !ok || seen[w] || int(a.Views) != c[0] || int(a.Purchases) != c[1] || a.Status != "confirmed" ||
			a.WindowEnd.Sub(a.WindowStart) != 10*time.Minute || a.ConversionRate != event.ConversionRate(c[0], c[1]) {
			t.Errorf("found %+v; brute force: %v %v", a, c, ok)
		}
		seen[w] = true
	}
	for w := range want {
		if !seen[w] {
			t.Errorf("missing %s from %s: %v", w.Product, time.Unix(w.Start, 0).UTC(), want[w])
		}
	}
}
