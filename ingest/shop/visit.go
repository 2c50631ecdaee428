package shop

import (
	"math/rand/v2"
	"strconv"

	"clickstream/internal/event"
)

// How visitors behave.
const (
	moreViews    = 3.6  // mean of the products viewed after the first
	landOnSearch = 0.35 // of the visits; the others land on a page
	searchAgain  = 0.12 // before a further view
	dropFromCart = 0.12
	wishes       = 0.03
	checksOut    = 0.70 // of those with something in the cart
	fanAgain     = 0.25 // a flash sale's visitor views it once more
	fanToCart    = 0.02
	maxCart      = 4

	// Of the above, roughly: for turning events a second into visitors a second.
	eventsPerVisit = 6.6
	viewShare      = 0.65
)

var (
	devices  = []string{"mobile", "mobile", "mobile", "desktop", "desktop", "tablet"}
	searches = []string{"gift", "sale", "new", "wireless", "black", "kids", "summer", "cheap", "pro", "set"}
	pages    = []string{"/", "/", "/new", "/offers", "/blog/guide", "/brands"}
)

type visitState byte

const (
	landing visitState = iota
	viewing
	adding
	dropping
	wishing
	checkout
	buying
	gone
)

// visit is one visitor's session. Each step makes one event.
type visit struct {
	due     float64 // ms after the generator's start
	order   int64   // of arrival: who goes first at the same time
	state   visitState
	fan     bool // came for the flash sale
	views   int  // still to come
	session string
	user    string
	device  string
	product *product // viewed now
	cart    []*product
	orderID string
}

// visits is a heap; the first is the one whose next step is due first.
type visits []*visit

func (v visits) Len() int { return len(v) }
func (v visits) Less(i, j int) bool {
	return v[i].due < v[j].due || v[i].due == v[j].due && v[i].order < v[j].order
}
func (v visits) Swap(i, j int) { v[i], v[j] = v[j], v[i] }
func (v *visits) Push(x any)   { *v = append(*v, x.(*visit)) }
func (v *visits) Pop() any {
	last := len(*v) - 1
	x := (*v)[last]
	(*v)[last] = nil
	*v = (*v)[:last]
	return x
}

func (g *Generator) step(v *visit) event.Event {
	e := event.Event{UserID: v.user, SessionID: v.session, DeviceType: v.device}
	pause := 12.0 // seconds, mean
	switch v.state {
	case landing:
		g.land(v, &e)
	case viewing:
		e.Type = event.TypeView
		v.product.describe(&e)
		g.afterView(v)
	case adding:
		e.Type = event.TypeAddToCart
		v.product.describe(&e)
		e.Quantity = quantity(g.rnd)
		v.cart = append(v.cart, v.product)
		v.state = viewing
		switch {
		case v.fan:
			v.state = gone
		case chance(g.rnd, dropFromCart):
			v.state = dropping
		default:
			g.goOn(v)
		}
	case dropping:
		e.Type = event.TypeRemoveFromCart
		v.product.describe(&e)
		v.cart = v.cart[:len(v.cart)-1]
		g.goOn(v)
	case wishing:
		e.Type = event.TypeWishlist
		v.product.describe(&e)
		g.goOn(v)
	case checkout:
		e.Type = event.TypeCheckout
		g.orders++
		v.orderID = "o-" + g.run + "-" + strconv.FormatInt(g.orders, 10)
		e.OrderID = v.orderID
		e.PageURL = "/checkout"
		v.state = buying
		pause = 25
	case buying:
		e.Type = event.TypePurchase
		v.cart[0].describe(&e)
		e.OrderID = v.orderID
		e.Quantity = quantity(g.rnd)
		v.cart = v.cart[1:]
		pause = 0.01 // one order's lines come together
		if len(v.cart) == 0 {
			v.state = gone
		}
	}
	v.due += 1 + g.rnd.ExpFloat64()*pause*1000
	return e
}

func (g *Generator) land(v *visit, e *event.Event) {
	if chance(g.rnd, landOnSearch) {
		e.Type = event.TypeSearch
		e.PageURL = "/search"
		e.Properties = `{"query":"` + searches[g.rnd.IntN(len(searches))] + `"}`
	} else {
		e.Type = event.TypePage
		e.PageURL = pages[g.rnd.IntN(len(pages))]
	}
	v.state = viewing
	if v.product == nil || chance(g.rnd, 0.9) {
		v.product = g.catalogue.pick(g.rnd)
	}
}

func (g *Generator) afterView(v *visit) {
	if v.fan {
		switch {
		case chance(g.rnd, fanToCart):
			v.state = adding
		case !chance(g.rnd, fanAgain):
			v.state = gone
		}
		return
	}
	v.views--
	switch {
	case len(v.cart) < maxCart && chance(g.rnd, v.product.toCart):
		v.state = adding
	case chance(g.rnd, wishes):
		v.state = wishing
	default:
		g.goOn(v)
	}
}

// goOn decides what comes after a product is done with.
func (g *Generator) goOn(v *visit) {
	switch {
	case v.views > 0 && chance(g.rnd, searchAgain):
		v.state = landing
	case v.views > 0:
		v.state = viewing
		v.product = g.catalogue.pick(g.rnd)
	case len(v.cart) > 0 && chance(g.rnd, checksOut):
		v.state = checkout
	default:
		v.state = gone
	}
}

func chance(rnd *rand.Rand, p float64) bool { return rnd.Float64() < p }

func quantity(rnd *rand.Rand) int32 {
	if chance(rnd, 0.9) {
		return 1
	}
	return 2 + rnd.Int32N(2)
}
