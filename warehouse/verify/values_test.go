package verify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/event"
)

// oddMembers are members of an event in every notation that JSON and the rules
// of an event allow, and in some that they do not. %d is a number of the test's.
var oddMembers = []string{
	`"brand": "acme" `, `"brand":null`, `"brand":7`, `"brand":"a","brand":"a"`, `"brand":""`, `"brand":true`, `"brand":{}`,
	`"brand":"a\"b\\c\/d\b\f\n\r\t\u00e9"`, `"brand":"é€😀"`, `"brand":"\ud83d\ude00"`, `"brand":"\ud83d"`, `"brand":"\udc00x"`, `"brand":"\\ud83d"`,
	"\"brand\":\"\xff\"", "\"brand\":\"a\tb\"", `"brand":"a\u0000b"`, `"br\u0061nd":"escaped name"`,
	`"price":1`, `"price":1.0`, `"price":49.90`, `"price":0`, `"price":-0`, `"price":-1`, `"price":1e3`, `"price":1.5E-2`, `"price":1e-9`, `"price":1e9`,
	`"price":1000000000.0001`, `"price":"1.5"`, `"price":0.00005`, `"price":0.00004`, `"price":1.00005`, `"price":49.99995`, `"price":01`, `"price":1.`, `"price":.5`, `"price":1e400`, `"price":null`,
	`"quantity":1`, `"quantity":3`, `"quantity":0`, `"quantity":-1`, `"quantity":2.0`, `"quantity":1e1`, `"quantity":"2"`, `"quantity":2147483647`, `"quantity":2147483648`, `"quantity":99999999999999999999`,
	`"properties":{}`, `"properties":{ }`, `"properties":{"a":1}`, `"properties":{ "a" : [1, 2.50, {"b":null}] , "c":"d" }`, `"properties":[]`, `"properties":"{}"`, `"properties":null`,
	`"properties":{"a":1,"a":2}`, `"properties":{"n":123456789012345678901234567890}`, `"properties":{"n":1e400}`, `"properties":{"a":1},"other":2`,
	`"other":1`, `"other":{"deep":[1,2,3]}`, `"other":1,"other":2`, `"other":null`, `"oth\u0065r":"x"`, `"quantity_":2.0,"properties":{"quantity":2.0}`,
	`"other":` + strings.Repeat("[", 63) + strings.Repeat("]", 63), `"other":` + strings.Repeat("[", 70) + strings.Repeat("]", 70),
	`"page_url":"` + strings.Repeat("u", 8192) + `"`, `"page_url":"` + strings.Repeat("u", 8193) + `"`, `"order_id":"` + strings.Repeat("é", 128) + `"`, `"order_id":"` + strings.Repeat("é", 129) + `"`,
	`"properties":{"long":"` + strings.Repeat("x", 32000) + `"}`, `"properties":{"long":"` + strings.Repeat("x", 33000) + `"}`, `"other":"` + strings.Repeat("x", 66000) + `"`,
	`"user_id":"u"`, `"event_id":"again"`, `"brand":"x"}`, `"brand"`, `"brand":`, ``,
}

// oddTimes are times in every notation that the rules allow, and in some that
// they do not; each is in the minute before the hour.
var oddTimes = []string{
	"%sT09:59:00Z", "%sT09:59:00.1Z", "%sT09:59:00.123Z", "%sT09:59:00.123999Z", "%st09:59:00.5z", "%sT11:59:00+02:00", "%sT04:29:00.25-05:30",
	"%s 09:59:00Z", "%sT09:59:00", "%sT09:59Z", "%sT09:60:00Z", "%sT24:00:00Z", "%sT09:59:60Z", "%sT09:59:00+2:00", "%sT09:59:00+24:00", "%sT09:59:00+23:59", "%sT09:59:00.Z", "%sT09:59:00,5Z", "1999-12-31T23:59:59.999Z", "2026-02-30T09:00:00Z", "2024-02-29T09:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "1764000000",
}

// substitutes are bytes that change what JSON says.
const substitutes = " \t\"\\{}[]:,.0123456789eE-+nulaz\x00\x80\xc3"

// oddRecords are records with values that no producer of ours writes.
func oddRecords(partitions int32, topic string, received time.Time) (records []*kgo.Record) {
	var decoder event.Decoder
	add := func(value string) {
		var e event.Event
		key := "p1"
		if decoder.Decode([]byte(value), &e) == nil && e.Key() != "" {
			key = strings.Clone(e.Key())
		}
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value), Partition: event.Partition(key, partitions), Timestamp: received})
	}
	rnd := rand.New(rand.NewPCG(3, 14))
	day := received.Format(time.DateOnly)
	text := func(members ...string) string {
		n := len(records)
		members = append(members, fmt.Sprintf(`"event_id":"e%d"`, n), `"event_type":"view"`, fmt.Sprintf(`"product_id":"p%d"`, n%5))
		rnd.Shuffle(len(members), func(i, k int) { members[i], members[k] = members[k], members[i] })
		return "{" + strings.Join(members, ",") + "}"
	}
	stamp, user := `"timestamp":"`+day+`T09:58:00.000Z"`, `"session_id":"s"`
	for _, member := range oddMembers {
		add(text(member, stamp, user))
		add(text(member, stamp, user) + " ")
	}
	for _, at := range oddTimes {
		if strings.Contains(at, "%s") {
			at = fmt.Sprintf(at, day)
		}
		add(text(`"timestamp":"`+at+`"`, user))
	}
	add(text(`"timestamp":5`, user))
	add(text(stamp))
	add(text(user))
	for _, value := range []string{"", "null", "[]", `"x"`, "{}", "{", "nonsense", `{"event_id":"e"}x`, "\xef\xbb\xbf{}"} {
		add(value)
	}
	whole := event.Event{ID: "whole", Type: event.TypePurchase, Timestamp: event.MillisOf(received), UserID: "u", SessionID: "s", ProductID: "p1",
		ProductCategory: "shoes", Brand: `a "b"`, Currency: "EUR", DeviceType: "mobile", PageURL: "https://shop.example/é?a=b&c", OrderID: "o", Source: "x",
		Price: 49990, HasPrice: true, Quantity: 2, Properties: `{"a": [1, 2], "b":"c"}`}
	for range 1500 {
		value := whole.AppendJSON(nil)
		for range 1 + rnd.IntN(3) {
			at := rnd.IntN(len(value))
			switch rnd.IntN(4) {
			case 0:
				value[at] = substitutes[rnd.IntN(len(substitutes))]
			case 1:
				value = slices.Delete(value, at, at+1)
			case 2:
				value = slices.Insert(value, at, substitutes[rnd.IntN(len(substitutes))])
			default:
				other := rnd.IntN(len(value))
				value[at], value[other] = value[other], value[at]
			}
		}
		add(string(value))
	}
	return records
}

func TestValuesInAnyNotationAreComparedAlike(t *testing.T) {
	s := newShop(t)
	received := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	records := oddRecords(s.ID.Partitions, s.Broker.Topics().Events, received)
	s.Produce(records...)
	s.Mirror()
	r := verified(s)
	if !r.OK() {
		t.Errorf("the decoder and ClickHouse's disagree:\n%s", r)
	}
	var valid, invalid uint64
	var decoder event.Decoder
	for _, rec := range records {
		var e event.Event
		if decoder.ReadRecord(event.Record{Key: rec.Key, Value: rec.Value, Partition: rec.Partition, Received: event.MillisOf(rec.Timestamp)}, s.ID.Partitions, &e) == nil {
			valid++
		} else {
			invalid++
		}
	}
	left := uint64(len(records)) - r.Events - r.Invalid
	t.Logf("%d records: %d events, %d of them by column, %d invalid, %d not compared", len(records), r.Events, r.ByColumn, r.Invalid, left)
	if r.Events > valid || r.Invalid > invalid || left > 30 || valid < 100 || invalid < 100 {
		t.Errorf("%d events and %d invalid records, want almost %d and %d", r.Events, r.Invalid, valid, invalid)
	}
}
