package formats

import "testing"

func TestSegmentEvents(t *testing.T) {
	checkRows(t, string(readFile(t, "segment.jsonl")), Auto, []string{
		`1 {"event_type":"view","timestamp":"2022-10-31T10:40:00.700Z","session_id":"a-1","product_id":"507f1f77","product_category":"Games","brand":"Hasbro","currency":"EUR","page_url":"https://shop.example/p/monopoly","price":18.99,"properties":{"event":"Product Viewed","sku":"G-32","name":"Monopoly: 3rd Edition","position":3,"channel":"client","context":{"library":{"name":"analytics.js","version":"next-1.70.0"},"locale":"de-DE","page":{"path":"/p/monopoly","title":"Monopoly","url":"https://shop.example/p/monopoly"},"userAgent":"Mozilla/5.0"},"projectId":"p9"}}`,
		`2 {"event_type":"purchase","timestamp":"2022-10-31T10:45:00.000Z","user_id":"42","session_id":"a-1","product_id":"507f1f77","product_category":"Games","currency":"USD","device_type":"ios","page_url":"https://shop.example/thanks","order_id":"50314b8e","price":19,"quantity":2,"properties":{"sku":"45790-32","name":"Monopoly","event":"Completed Order","total":48.48,"context":{"page":{"url":"https://shop.example/thanks"},"device":{"type":"ios"}}}}`,
		`2 {"event_type":"purchase","timestamp":"2022-10-31T10:45:00.000Z","user_id":"42","session_id":"a-1","product_id":"46493-32","currency":"USD","device_type":"ios","page_url":"https://shop.example/p/uno","order_id":"50314b8e","price":3.5,"properties":{"name":"Uno","event":"Completed Order","total":48.48,"context":{"page":{"url":"https://shop.example/thanks"},"device":{"type":"ios"}}}}`,
		`2 missing_field properties.products.product_id`,
		`2 bad_price properties.products.price`,
		`2 bad_type properties.products`,
		`3 {"event_type":"order_refunded","timestamp":"2022-10-31T11:45:00.000Z","user_id":"42","order_id":"50314b8e","properties":{"event":"Order Refunded"}}`,
		`4 {"event_type":"page","timestamp":"2022-10-31T10:46:00.500Z","session_id":"a-2.1667212800123","page_url":"https://shop.example/?a=1","properties":{"title":"Shop","name":"Home","context":{"page":{"url":"https://shop.example/"}},"anonymousId":"a-2"}}`,
		`5 {"event_type":"page","timestamp":"2022-10-31T11:47:00.000Z","session_id":"a-2","properties":{"event":"screen","name":"Cart"}}`,
		`6 {"event_type":"identify","timestamp":"2022-10-31T11:48:00.000Z","user_id":"42","session_id":"a-2"}`,
		`7 {"event_type":"product_list_viewed","timestamp":"2022-10-31T11:49:00.000Z","session_id":"a-2","properties":{"event":"Product List Viewed","list_id":"hot","products":[{"product_id":"1"},{"product_id":"2"}]}}`,
		`8 {"event_type":"track","timestamp":"2022-10-31T11:50:00.000Z","session_id":"a-2","properties":{"event":"Просмотр товара"}}`,
		`9 {"event_type":"add_to_cart","timestamp":"2022-10-31T11:51:00.000Z","session_id":"a-2","product_id":"1","properties":{"event":"Product Added"}}`,
		`10 {"event_type":"add_to_cart","timestamp":"2022-10-31T11:51:00.000Z","session_id":"a-2","product_id":"1","properties":{"event":"Product Added"}}`,
		`11 missing_field properties.product_id`,
		`12 bad_time timestamp`,
		`13 bad_type properties.products`,
		`14 missing_field event`,
	})
}

func TestPosthogEvents(t *testing.T) {
	checkRows(t, string(readFile(t, "posthog.jsonl")), Auto, []string{
		`1 {"event_type":"page","timestamp":"2022-10-31T10:40:00.123Z","session_id":"0184-ses","device_type":"Mobile","page_url":"https://shop.example/p/1","properties":{"event":"$pageview","$device_id":"0184-dev","$browser":"Safari","team_id":7}}`,
		`2 {"event_type":"purchase","timestamp":"2022-10-31T10:41:00.000Z","user_id":"u-42","session_id":"0184-ses","product_id":"1","currency":"EUR","page_url":"https://shop.example/thanks","order_id":"7","price":9.5,"quantity":2,"properties":{"event":"order completed","$device_id":"0184-dev"}}`,
		`2 bad_quantity properties.products.quantity`,
		`3 {"event_type":"view","timestamp":"2022-10-31T10:42:00.000Z","session_id":"0184-two","product_id":"A\"1","properties":{"event":"viewed_product","$device_id":"0184-two"}}`,
		`4 {"event_type":"identify","timestamp":"2022-10-31T10:43:00.000Z","user_id":"u-42","properties":{"event":"$identify","$anon_distinct_id":"0184-dev"}}`,
		`5 {"event_type":"order_completed","timestamp":"2022-10-31T10:44:00.000Z","user_id":"u-42","properties":{"revenue":3}}`,
		`6 bad_type distinct_id`,
		`7 bad_type properties`,
		`8 bad_type properties`,
		`9 missing_field timestamp`,
	})
}

func TestGA4Events(t *testing.T) {
	checkRows(t, string(readFile(t, "ga4.jsonl")), Auto, []string{
		`1 {"event_type":"page","timestamp":"2022-10-31T10:40:00.123Z","session_id":"16.17.1667212790","device_type":"mobile","page_url":"https://shop.example/","properties":{"event":"page_view","privacy_info":{"uses_transient_token":"No"},"user_first_touch_timestamp":"1667212790000000","device":{"category":"mobile","language":"de"},"geo":{"country":"Germany"},"stream_id":"12","platform":"WEB","is_active_user":true,"engagement_time_msec":1200,"page_title":"Shop","user_pseudo_id":"16.17"}}`,
		`2 {"event_type":"view","timestamp":"2022-10-31T10:40:01.000Z","session_id":"16.17.1667212790","product_id":"SKU1","product_category":"Tops","currency":"EUR","price":12.5,"properties":{"item_name":"Shirt","event":"view_item","value":12.5,"user_pseudo_id":"16.17"}}`,
		`3 {"event_type":"purchase","timestamp":"2022-10-31T10:41:40.000Z","user_id":"u1","session_id":"16.17","product_id":"SKU1","order_id":"T-1","price":12.5,"quantity":2,"properties":{"ecommerce":{"total_item_quantity":"3","transaction_id":"T-1"}}}`,
		`3 {"event_type":"purchase","timestamp":"2022-10-31T10:41:40.000Z","user_id":"u1","session_id":"16.17","product_id":"Cap","order_id":"T-1","price":5,"properties":{"ecommerce":{"total_item_quantity":"3","transaction_id":"T-1"}}}`,
		`3 missing_field items.item_id`,
		`3 bad_price items.price`,
		`4 {"event_type":"order_refunded","timestamp":"2022-10-31T10:42:30.000Z","session_id":"16.17","order_id":"T-1","properties":{"ecommerce":{"transaction_id":"T-1"}}}`,
		`5 {"event_type":"view_item_list","timestamp":"2022-10-31T10:42:40.000Z","session_id":"16.17","properties":{"items":[{"item_id":"SKU1"},{"item_id":"SKU2"}]}}`,
		`6 missing_field items`,
		`7 bad_time event_timestamp`,
		`8 missing_field event_timestamp`,
	})
}
