package jobs

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clickstream/internal/event"
)

// The model computes the reports the slow and obvious way: rows as text, in
// the order of the table.

// dayEvents returns the first copies of the day's events that lie before
// offsets, in the order of the log.
func dayEvents(l *testLog, from, to time.Time, offsets []int64) []event.Event {
	seen := make(map[string]bool)
	place := make([]int64, partitions)
	var day []event.Event
	for _, e := range l.all {
		p := event.Partition(e.Key(), partitions)
		place[p]++
		identity := fmt.Sprintf("%q %q %d %q", e.Key(), e.Type, e.Timestamp, e.ID)
		if seen[identity] {
			continue
		}
		seen[identity] = true
		if at := e.Timestamp.Time(); !at.Before(from) && at.Before(to) && place[p] <= offsets[p] {
			day = append(day, e)
		}
	}
	return day
}

// paid is price times quantity in 1/10000.
func paid(e event.Event) *big.Int {
	if !e.HasPrice {
		return new(big.Int)
	}
	return new(big.Int).Mul(big.NewInt(e.Price), big.NewInt(int64(e.Quantity)))
}

func money(units *big.Int) string {
	return new(big.Rat).SetFrac(units, big.NewInt(event.PriceScale)).FloatString(4)
}

func percent(part, whole int) string {
	if whole == 0 {
		return "0"
	}
	return fmt.Sprint(math.RoundToEven(float64(100*part)/float64(whole)*1e4) / 1e4)
}

type tally struct {
	views, carts, purchases, events int
	revenue, refunded               big.Int
	viewers                         map[string]bool
	prices                          []int64
	category                        string
	categoryAt                      event.Millis
}

func (s *tally) add(e event.Event) {
	s.events++
	switch e.Type {
	case event.TypeView:
		s.views++
		if s.viewers == nil {
			s.viewers = make(map[string]bool)
		}
		if e.UserID != "" {
			s.viewers["user "+e.UserID] = true
		} else {
			s.viewers["session "+e.SessionID] = true
		}
		if e.HasPrice {
			s.prices = append(s.prices, e.Price)
		}
	case event.TypeAddToCart:
		s.carts++
	case event.TypePurchase:
		s.purchases++
		s.revenue.Add(&s.revenue, paid(e))
	case event.TypeRefund:
		s.refunded.Add(&s.refunded, paid(e))
	}
	if e.ProductCategory != "" && e.Timestamp >= s.categoryAt {
		s.category, s.categoryAt = e.ProductCategory, e.Timestamp
	}
}

func tallies(events []event.Event, key func(event.Event) string) (map[string]*tally, []string) {
	by := make(map[string]*tally)
	for _, e := range events {
		k := key(e)
		if k == "" {
			continue
		}
		if by[k] == nil {
			by[k] = new(tally)
		}
		by[k].add(e)
	}
	keys := make([]string, 0, len(by))
	for k := range by {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return by, keys
}

func modelSegments(events []event.Event) (rows []string) {
	by, users := tallies(events, func(e event.Event) string { return e.UserID })
	for _, user := range users {
		s := by[user]
		segment, finer := "unknown", "unknown"
		switch {
		case s.purchases > 0:
			segment, finer = "buyer", "buyer"
		case s.carts > 0:
			segment, finer = "window_shopper", "cart_abandoner"
		case s.views > 0:
			segment, finer = "window_shopper", "browser"
		}
		rows = append(rows, fmt.Sprint(user, " ", segment, " ", finer, " ", s.views, " ", s.carts, " ", s.purchases, " ", s.events, " ", money(&s.revenue), " ", money(&s.refunded)))
	}
	return rows
}

func modelTopProducts(events []event.Event) (rows []string) {
	by, products := tallies(events, func(e event.Event) string { return e.ProductID })
	slices.SortStableFunc(products, func(a, b string) int { return cmp.Compare(by[b].views, by[a].views) })
	for i, product := range products {
		s := by[product]
		if i == defaultTopProducts || s.views == 0 {
			break
		}
		price := "0.0000"
		if n := len(s.prices); n > 0 {
			sum := new(big.Int)
			for _, p := range s.prices {
				sum.Add(sum, big.NewInt(p))
			}
			// Rounded half up, to a whole 1/10000.
			sum.Div(sum.Add(sum.Lsh(sum, 1), big.NewInt(int64(n))), big.NewInt(int64(2*n)))
			price = money(sum)
		}
		rows = append(rows, fmt.Sprint(i+1, " ", product, " ", cmp.Or(s.category, "unknown"), " ", s.views, " ", len(s.viewers), " ",
			math.RoundToEven(float64(s.views)/float64(len(s.viewers))*1e4)/1e4, " ", price, " ", s.carts, " ", s.purchases, " ",
			percent(s.carts, s.views), " ", percent(s.purchases, s.views), " ", percent(s.purchases, s.carts), " ", money(&s.revenue), " ", money(&s.refunded)))
	}
	return rows
}

func modelConversion(events []event.Event) (rows []string) {
	by, categories := tallies(events, func(e event.Event) string {
		switch e.Type {
		case event.TypeView, event.TypeAddToCart, event.TypePurchase:
			return cmp.Or(e.ProductCategory, "unknown")
		}
		return ""
	})
	for _, c := range categories {
		s := by[c]
		rows = append(rows, fmt.Sprint(c, " ", s.views, " ", s.carts, " ", s.purchases, " ", percent(s.purchases, s.views), " ", percent(s.carts, s.views), " ", percent(s.purchases, s.carts)))
	}
	return rows
}

var models = map[string]func([]event.Event) []string{
	UserSegmentation: modelSegments, TopProducts: modelTopProducts, ConversionRates: modelConversion,
}

// tableRows returns a day's rows as the model writes them.
func tableRows(t *testing.T, r *Runner, job string, day Day) []string {
	t.Helper()
	columns := map[string]string{
		UserSegmentation: `user_id, segment, finer_segment, views, carts, purchases, events, toDecimalString(revenue, 4), toDecimalString(refunded, 4)) FROM user_segmentation_daily`,
		TopProducts: `rank, product_id, category, views, unique_viewers, views_per_viewer, toDecimalString(average_price, 4), carts, purchases,
			view_to_cart, view_to_purchase, cart_to_purchase, toDecimalString(revenue, 4), toDecimalString(refunded, 4)) FROM top_products_daily`,
		ConversionRates: `category, views, carts, purchases, view_to_purchase, view_to_cart, cart_to_purchase) FROM conversion_rate_daily`,
	}
	order := map[string]string{UserSegmentation: "user_id", TopProducts: "rank", ConversionRates: "category"}
	return read(t, r, "SELECT concatWithSeparator(' ', "+columns[job]+" WHERE day = '"+day.String()+"' ORDER BY "+order[job])
}

// randomEvents are n events around the days, with much that is alike, missing
// or on an edge.
func randomEvents(rng *rand.Rand, n int, from, to time.Time) []event.Event {
	pick := func(values ...string) string { return values[rng.IntN(len(values))] }
	span := to.Sub(from).Milliseconds()
	events := make([]event.Event, n)
	for i := range events {
		e := event.Event{
			ID:        fmt.Sprint("r", i),
			Type:      pick("view", "view", "view", "view", "view", "add_to_cart", "purchase", "refund", "remove_from_cart", "wishlist", "page", "search"),
			Timestamp: event.MillisOf(from) + event.Millis(rng.Int64N(span)),
			SessionID: fmt.Sprint("s", rng.IntN(40)),
			Quantity:  int32(1 + rng.IntN(3)),
		}
		if rng.IntN(4) > 0 {
			e.UserID = fmt.Sprint(pick("u", "s"), rng.IntN(25)) // some users are called as sessions are
		}
		if e.Type != "page" && e.Type != "search" {
			e.ProductID = fmt.Sprint("p", rng.IntN(12))
			e.ProductCategory = pick("", "shoes", "books", "электроника", "toys.wooden")
		}
		if rng.IntN(5) > 0 {
			e.Price, e.HasPrice = rng.Int64N(5_000_000), true
		}
		if rng.IntN(10) == 0 { // edges of hours, so of days
			e.Timestamp -= e.Timestamp % 3_600_000
		}
		if rng.IntN(200) == 0 {
			e.Price, e.HasPrice, e.Quantity = 999_999_999_999_999_999, true, math.MaxInt32
		}
		events[i] = e
	}
	return events
}
