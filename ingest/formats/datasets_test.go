package formats

import (
	"testing"
)

func TestRetailrocketEvents(t *testing.T) {
	checkRows(t, string(readFile(t, "retailrocket.csv")), Auto, []string{
		`2 {"event_type":"view","timestamp":"2015-06-02T05:02:12.117Z","user_id":"257597","product_id":"355908"}`,
		`3 {"event_type":"view","timestamp":"2015-06-02T05:50:14.164Z","user_id":"992329","product_id":"248676"}`,
		`4 {"event_type":"view","timestamp":"2015-06-02T05:13:19.827Z","user_id":"111016","product_id":"318965"}`,
		`5 {"event_type":"view","timestamp":"2015-06-02T05:12:35.914Z","user_id":"483717","product_id":"253185"}`,
		`6 {"event_type":"view","timestamp":"2015-06-02T05:02:17.106Z","user_id":"951259","product_id":"367447"}`,
		`7 {"event_type":"add_to_cart","timestamp":"2015-06-02T05:50:29.496Z","user_id":"794181","product_id":"248676"}`,
		`8 {"event_type":"view","timestamp":"2015-06-02T05:33:56.124Z","user_id":"102019","product_id":"150318"}`,
		`9 {"event_type":"purchase","timestamp":"2015-06-02T05:17:56.276Z","user_id":"599528","product_id":"356475","order_id":"4000"}`,
		`10 {"event_type":"purchase","timestamp":"2015-06-02T05:17:56.276Z","user_id":"599528","product_id":"150318","order_id":"4000"}`,
		`11 {"event_type":"view","timestamp":"2015-06-02T05:33:56.124Z","user_id":"102019","product_id":"150318"}`,
		`12 bad_row `,
		// Seconds would be another format: Validate rejects what is before 2000.
		`13 {"event_type":"view","timestamp":"1970-06-15T21:10:10.785Z","user_id":"158090","product_id":"10572"}`,
		`14 bad_time timestamp`,
		// A missing visitor is for Validate.
		`15 {"event_type":"view","timestamp":"2015-06-02T04:57:58.505Z","product_id":"10572"}`,
	})
	checkRows(t, "itemid,shop,event,visitorid,timestamp\n5,a,like,6,1433221332117\n", Auto, []string{
		`2 {"event_type":"like","timestamp":"2015-06-02T05:02:12.117Z","user_id":"6","product_id":"5","properties":{"shop":"a"}}`,
	})
}

func TestTaobaoEvents(t *testing.T) {
	checkRows(t, string(readFile(t, "taobao.csv")), Auto, []string{
		`1 {"event_type":"view","timestamp":"2017-11-24T17:21:10.000Z","user_id":"1","product_id":"2268318","product_category":"2520377"}`,
		`2 {"event_type":"view","timestamp":"2017-11-24T22:15:33.000Z","user_id":"1","product_id":"2333346","product_category":"2520771"}`,
		`3 {"event_type":"view","timestamp":"2017-11-25T01:21:25.000Z","user_id":"1","product_id":"2576651","product_category":"149192"}`,
		`4 {"event_type":"view","timestamp":"2017-11-25T07:04:53.000Z","user_id":"1","product_id":"3830808","product_category":"4181361"}`,
		`5 {"event_type":"view","timestamp":"2017-11-25T07:49:06.000Z","user_id":"1","product_id":"4365585","product_category":"2520377"}`,
		`6 {"event_type":"view","timestamp":"2017-11-25T13:28:01.000Z","user_id":"1","product_id":"4606018","product_category":"2735466"}`,
		`7 {"event_type":"wishlist","timestamp":"2017-11-25T21:22:22.000Z","user_id":"1","product_id":"230380","product_category":"411153"}`,
		`8 {"event_type":"add_to_cart","timestamp":"2017-11-26T15:38:32.000Z","user_id":"100","product_id":"3827899","product_category":"2920476"}`,
		`9 {"event_type":"add_to_cart","timestamp":"2017-11-26T19:44:31.000Z","user_id":"100","product_id":"3745169","product_category":"2891509"}`,
		`10 {"event_type":"purchase","timestamp":"2017-11-25T03:18:28.000Z","user_id":"100","product_id":"1603476","product_category":"2951233"}`,
		`11 {"event_type":"purchase","timestamp":"2017-11-25T03:18:28.000Z","user_id":"100","product_id":"1603476","product_category":"2951233"}`,
		// Times before 2000 and after today are for Validate.
		`12 {"event_type":"view","timestamp":"1969-12-31T23:36:00.000Z","user_id":"100","product_id":"2971043","product_category":"4869428"}`,
		`13 {"event_type":"view","timestamp":"2037-04-09T05:22:35.000Z","user_id":"100","product_id":"598929","product_category":"2429887"}`,
		`14 bad_event_type type`,
		`15 bad_row `,
		`16 {"event_type":"view","timestamp":"2017-11-27T00:34:59.000Z","user_id":"100","product_id":"598929","product_category":"2429887"}`,
	})
}
