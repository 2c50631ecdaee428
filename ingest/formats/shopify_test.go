package formats

import (
	"bytes"
	"strings"
	"testing"
)

func TestShopifyEvents(t *testing.T) {
	checkRows(t, string(readFile(t, "shopify.csv")), Auto, []string{
		`2 {"event_type":"purchase","timestamp":"2019-10-01T16:34:56.000Z","user_id":"7431bdaa588a24f6906d8a8d1d8e32b6","product_id":"TS-M","brand":"Acme","currency":"USD","order_id":"#1003","price":20,"quantity":2,"properties":{"lineitem_name":"T-Shirt - M / \"Sea\"","lineitem_compare_at_price":"25.00","lineitem_discount":"0.00","subtotal":"55.00","shipping":"5.00","taxes":"0.00","total":"60.00","discount_code":"AUTUMN","discount_amount":"5.00","shipping_method":"Standard","payment_method":"Credit Card","source":"web","billing_country":"US","shipping_country":"US"}}`,
		`5 {"event_type":"purchase","timestamp":"2019-10-01T16:34:56.000Z","user_id":"7431bdaa588a24f6906d8a8d1d8e32b6","product_id":"Mug, blue","brand":"Mugs & Co","currency":"USD","order_id":"#1003","price":15,"properties":{"lineitem_discount":"5.00","subtotal":"55.00","shipping":"5.00","taxes":"0.00","total":"60.00","discount_code":"AUTUMN","discount_amount":"5.00","shipping_method":"Standard","payment_method":"Credit Card","source":"web","billing_country":"US","shipping_country":"US"}}`,
		`6 {"event_type":"purchase","timestamp":"2019-09-30T02:30:00.000Z","session_id":"#1002","product_id":"GC","brand":"Acme","currency":"USD","order_id":"#1002","price":10,"properties":{"lineitem_name":"Gift card","lineitem_discount":"0.00","subtotal":"10.00","shipping":"0.00","taxes":"0.00","total":"10.00","discount_amount":"0.00","payment_method":"manual","source":"pos"}}`,
		`7 bad_price Lineitem price`,
		`8 bad_quantity Lineitem quantity`,
		`9 {"event_type":"purchase","timestamp":"2019-09-30T02:30:00.000Z","session_id":"#1002","product_id":"ST","brand":"Acme","currency":"USD","order_id":"#1002","price":1,"quantity":3,"properties":{"lineitem_name":"Sticker","lineitem_discount":"0.00","subtotal":"10.00","shipping":"0.00","taxes":"0.00","total":"10.00","discount_amount":"0.00","payment_method":"manual","source":"pos"}}`,
		`10 bad_time Created at`,
		`11 missing_field Created at`,
		`12 missing_field Lineitem name`,
		`13 missing_field Name`,
		`14 bad_row `,
		`15 {"event_type":"purchase","timestamp":"2019-09-01T10:00:00.000Z","user_id":"bfab0f54ca1cbaf654674237be1f7887","product_id":"CAP","currency":"EUR","order_id":"#0998","price":10,"properties":{"lineitem_name":"Cap"}}`,
	})
}

func TestShopifyOrdersAreReadWithoutPeople(t *testing.T) {
	content := readFile(t, "shopify.csv")
	for _, r := range readAll(t, bytes.NewReader(content), Auto) {
		for _, personal := range []string{"@", "Ann", "Main St", "555", "ring"} {
			if strings.Contains(strings.ToLower(r.event), strings.ToLower(personal)) {
				t.Errorf("line %d: the event holds %q: %s", r.line, personal, r.event)
			}
		}
	}
}
