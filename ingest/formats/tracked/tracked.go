// Package tracked has the formats of the exports of tracking tools: Segment and
// RudderStack, PostHog, and Google Analytics 4. A line is what a tool has tracked,
// and each of several products in it makes an event of its own.
package tracked

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"

	"clickstream/ingest/eventid"
	"clickstream/ingest/formats/input"
	"clickstream/ingest/formats/parse"
	"clickstream/internal/event"
)

// tracked is what a line of a tracking tool's export says.
type tracked struct {
	event.Event // what all its events have in common; the id is the line's, or empty

	// products are those that the event is about, as a JSON array with at least
	// one element, or empty. Each makes an event of its own.
	products []byte
	rest     parse.Properties // what has no place in an event

	ga4 [3]string // what numbers an event of Google Analytics 4
}

// is says which event it is: what it is called in the file gives its type.
func (t *tracked) is(name string) {
	t.Type = typeOf(name)
	if name != t.Type {
		quoted := parse.AppendJSON(nil, []byte(name))
		t.rest.Add("event", quoted)
	}
}

// isAbout takes the products of an event that makes no sense without one, and
// says whether there are any.
func (t *tracked) isAbout(value []byte, field string) (bool, error) {
	if !event.NeedsProduct(t.Type) || len(value) == 0 || value[0] == 'n' {
		return false, nil
	}
	if value[0] != '[' {
		return false, parse.Rejected(event.ReasonBadType, field, "an array of products is expected")
	}
	products := parse.Inside(value)
	if _, ok := products.Element(); !ok {
		return false, nil
	}
	t.products = value
	return true, nil
}

// tool is how one tracking tool writes events.
type tool struct {
	read     func(line []byte, t *tracked) error
	products string // the field with the products, as rejections name it
	one      string // the one that is missing where there is no product
	product  productNames
}

// trackedRows reads the events of a tool's lines.
type trackedRows struct {
	tool     *tool
	line     tracked
	digest   string       // of the line, where it has no id
	products parse.Cursor // what is left of the line's
	position int          // of the product that was read last
	own      parse.Properties

	content eventid.Content
	ids     *eventid.Rows
	id      []byte
}

func (t *tool) open(_ *input.Lines, ids *eventid.Rows) (input.Rows, error) {
	return &trackedRows{tool: t, ids: ids}, nil
}

func (r *trackedRows) Next(in *input.Lines, e *event.Event) error {
	if value, ok := r.products.Element(); ok {
		in.Part(value)
		r.position++
		return r.product(value, e)
	}
	line, err := in.NextObject()
	if err != nil {
		return err
	}
	t := &r.line
	t.Event = event.Event{Quantity: 1}
	t.products, t.ga4 = nil, [3]string{}
	t.rest.Reset()
	if err := r.tool.read(line, t); err != nil {
		return err
	}
	if t.ID == "" && t.ga4[0] == "" {
		sum := sha256.Sum256(line)
		r.digest = hex.EncodeToString(sum[:])
	}
	if len(t.products) > 0 {
		r.products, r.position = parse.Inside(t.products), -1
		return r.Next(in, e)
	}
	*e = t.Event
	if e.ProductID == "" {
		switch e.Type {
		case event.TypePurchase:
			e.Type = typeOrderCompleted
		case event.TypeRefund:
			e.Type = typeOrderRefunded
		}
		if event.NeedsProduct(e.Type) {
			return parse.Rejected(event.ReasonMissingField, r.tool.one, "an event of type %s needs a product", e.Type)
		}
	}
	e.Properties = t.rest.Text()
	return r.identify(e, -1)
}

// product reads the event of one of the line's products.
func (r *trackedRows) product(value []byte, e *event.Event) error {
	*e = r.line.Event
	if value[0] != '{' {
		return parse.Rejected(event.ReasonBadType, r.tool.products, "a product is an object")
	}
	r.own.Reset()
	names := &r.tool.product
	id := names.idOf(value)
	if id == "" {
		return parse.Rejected(event.ReasonMissingField, r.tool.products+"."+names.id, "an event of type %s needs a product", e.Type)
	}
	for c := parse.Inside(value); ; {
		name, v, ok := c.Member()
		if !ok {
			break
		}
		taken, err := names.take(id, name, v, e)
		if err != nil {
			return within(r.tool.products+".", err)
		}
		if !taken {
			r.own.Add(name, v)
		}
	}
	r.own.AddAll(&r.line.rest)
	e.Properties = r.own.Text()
	return r.identify(e, r.position)
}

// identify gives e an id: the line's, with the product's position in it, or one
// that is made from what the tool numbers its events by, or from the line.
func (r *trackedRows) identify(e *event.Event, position int) (err error) {
	switch t := &r.line; {
	case t.ID != "" && position < 0:
	case t.ID != "":
		r.id = append(append(r.id[:0], t.ID...), '/')
		r.id = strconv.AppendInt(r.id, int64(position), 10)
		e.ID = parse.Text(r.id)
	case t.ga4[0] != "":
		e.ID = eventid.OfGA4(t.ga4[0], t.ga4[1], t.ga4[2], position)
	default:
		r.content.Row()
		r.content.Field("line", r.digest)
		if position >= 0 {
			r.content.Field("position", strconv.Itoa(position))
		}
		if r.id, err = r.ids.AppendID(r.id[:0], &r.content); err != nil {
			return err
		}
		e.ID = parse.Text(r.id)
	}
	return nil
}

// within names the field of a rejection by the object that holds it.
func within(prefix string, err error) error {
	if bad, ok := errors.AsType[*event.Rejection](err); ok {
		bad.Field = prefix + bad.Field
	}
	return err
}

// productNames are a tool's names for what it says of a product. An empty one
// is none of its names.
type productNames struct{ id, otherID, category, brand, price, quantity, url, currency string }

// idOf is the name of the member that holds the product's id, or empty.
func (n *productNames) idOf(object []byte) string {
	for _, name := range []string{n.id, n.otherID} {
		if id, ok := parse.Scalar(parse.Find(object, name)); !ok || given(id) {
			return name
		}
	}
	return ""
}

// take takes what has a place in an event. id is the name of the product's id.
func (n *productNames) take(id, name string, value []byte, e *event.Event) (taken bool, err error) {
	switch name {
	case id:
		e.ProductID, err = parse.ScalarOf(value, name)
		return true, err
	case n.category:
		return take(&e.ProductCategory, value), nil
	case n.brand:
		return take(&e.Brand, value), nil
	case n.url:
		return take(&e.PageURL, value), nil
	case n.currency:
		return take(&e.Currency, value), nil
	case n.price, n.quantity:
		s, err := parse.ScalarOf(value, name)
		switch {
		case err != nil:
		case name == n.price:
			err = parse.Price(e, s, name)
		default:
			err = parse.Quantity(e, s, name)
		}
		return true, err
	}
	return false, nil
}

// take puts a text that is given into dst. Another kind of value is not taken.
func take(dst *string, value []byte) bool {
	s, ok := parse.Scalar(value)
	if ok && given(s) {
		*dst = s
	}
	return ok
}

// given says whether a text is there: Google Analytics writes "(not set)".
func given(s string) bool { return s != "" && s != "(not set)" }
