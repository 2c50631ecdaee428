package formats

import "clickstream/internal/event"

// typesOfNames has the names of shop events, in lower case and without
// separators: those of Segment's e-commerce specification, which RudderStack and
// PostHog share, in either order of the words as its two versions have them, and
// those of Google Analytics 4.
var typesOfNames = map[string]string{
	"productviewed": event.TypeView, "viewedproduct": event.TypeView, "viewitem": event.TypeView,
	"productadded": event.TypeAddToCart, "addedproduct": event.TypeAddToCart, "addtocart": event.TypeAddToCart,
	"productremoved": event.TypeRemoveFromCart, "removedproduct": event.TypeRemoveFromCart, "removefromcart": event.TypeRemoveFromCart,
	"ordercompleted": event.TypePurchase, "completedorder": event.TypePurchase, "purchase": event.TypePurchase,
	"orderrefunded": event.TypeRefund, "refundedorder": event.TypeRefund, "refund": event.TypeRefund,
	"productaddedtowishlist": event.TypeWishlist, "addedproducttowishlist": event.TypeWishlist, "addtowishlist": event.TypeWishlist,
	"checkoutstarted": event.TypeCheckout, "startedcheckout": event.TypeCheckout, "begincheckout": event.TypeCheckout,
	"orderstarted": event.TypeCheckout, "startedorder": event.TypeCheckout,
	"productssearched": event.TypeSearch, "searchedproducts": event.TypeSearch, "search": event.TypeSearch, "viewsearchresults": event.TypeSearch,
	"page": event.TypePage, "pageview": event.TypePage, "screen": event.TypePage, "screenview": event.TypePage,
}

// Types of orders of which the products are not known.
const (
	typeOrderCompleted = "order_completed"
	typeOrderRefunded  = "order_refunded"
)

// typeTrack is the type of events whose name makes no type.
const typeTrack = "track"

// typeOf is the event type for a name of another tool's, whatever its case and
// separators: the one of the table, else the name in snake_case.
func typeOf(name string) string {
	var folded [32]byte
	n := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c < 0x80:
			continue
		}
		if n == len(folded) {
			return snakeCase(name)
		}
		folded[n] = c
		n++
	}
	if t, ok := typesOfNames[string(folded[:n])]; ok {
		return t
	}
	return snakeCase(name)
}

// snakeCase is name as an event type, at most 64 bytes of it, or typeTrack
// where it has no letter of ASCII's to begin with.
func snakeCase(name string) string {
	out := make([]byte, 0, len(name)+8)
	lower, gap := false, false // of what came before
	for i := 0; i < len(name) && len(out) < 64; i++ {
		c := name[i]
		upper := c >= 'A' && c <= 'Z'
		switch {
		case upper:
			gap = gap || lower
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		default:
			gap = gap || c < 0x80
			continue
		}
		if gap && len(out) > 0 {
			out = append(out, '_')
		}
		out = append(out, c)
		lower, gap = !upper, false
	}
	out = out[:min(len(out), 64)]
	if len(out) == 0 || out[0] < 'a' {
		return typeTrack
	}
	return text(out)
}
