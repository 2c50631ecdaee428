package tracked

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNamesOfShopEventsAreTypes(t *testing.T) {
	for name, want := range map[string]string{
		"Product Viewed": "view", "viewed_product": "view", "productViewed": "view", "view_item": "view",
		"PRODUCT ADDED": "add_to_cart", "Added Product": "add_to_cart", "add_to_cart": "add_to_cart",
		"Product Removed": "remove_from_cart", "remove_from_cart": "remove_from_cart",
		"Order Completed": "purchase", "Completed Order": "purchase", "purchase": "purchase",
		"Order Refunded": "refund", "refund": "refund",
		"Product Added to Wishlist": "wishlist", "add_to_wishlist": "wishlist",
		"Checkout Started": "checkout", "Started Order": "checkout", "begin_checkout": "checkout",
		"Products Searched": "search", "search": "search", "view_search_results": "search",
		"page": "page", "screen": "page", "$pageview": "page", "page_view": "page", "$screen": "page",

		"Product Clicked": "product_clicked", "Product List Viewed": "product_list_viewed", "Viewed Product Category": "viewed_product_category",
		"$autocapture": "autocapture", "orderUpdated": "order_updated", "HTTPError": "httperror", "a - b": "a_b", "  x  ": "x",
		"Café besucht": "caf_besucht", "ViewedÜbersicht": "viewedbersicht",
		"Просмотр товара": "track", "商品": "track", "": "track", "360 View": "track", "--": "track",
		strings.Repeat("ab ", 40): strings.Repeat("ab_", 21) + "a",
	} {
		if got := typeOf(name); got != want {
			t.Errorf("%q is of type %s, want %s", name, got, want)
		}
	}
}

func TestOrderOfOneIsNotFoundInALongerName(t *testing.T) {
	if got := typeOf("Order Completed by a person who came back later"); got != "order_completed_by_a_person_who_came_back_later" {
		t.Errorf("it is of type %s", got)
	}
}
