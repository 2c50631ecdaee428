package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"clickstream/internal/event"
)

// kind is what a term is.
type kind uint8

const (
	number kind = iota
	count       // the number of events in a column
	rate        // conversion_rate
	negative
	arithmetic
	comparison
	and
	or
	not
)

// term is a part of a condition: a number, or something that holds or does not.
type term struct {
	kind        kind
	op          string  // of arithmetic and comparison
	value       float64 // of a number
	column      int     // of a count
	left, right *term   // right alone for negative and not
	offset      int     // where it is, in characters
}

// logical says whether the term holds or does not, and is no number.
func (t *term) logical() bool { return t.kind >= comparison }

// names are the counts that have one. Columns of other types are count("type").
var names = [...]struct{ name, eventType string }{
	{"views", event.TypeView}, {"carts", event.TypeAddToCart}, {"cart_removals", event.TypeRemoveFromCart},
	{"purchases", event.TypePurchase}, {"refunds", event.TypeRefund}, {"wishlists", event.TypeWishlist},
	{"checkouts", event.TypeCheckout}, {"searches", event.TypeSearch}, {"pages", event.TypePage},
}

const rateName = "conversion_rate"

// Numbers in a condition are 0 or between these, so that they can be written
// out and counts are exact beside them.
const (
	leastNumber = 1e-6
	mostNumber  = 1e15
	numbers     = "give 0 or a number from 0.000001 to 10^15"
)

// wrong is what is wrong with a condition, and where, in characters.
type wrong struct {
	offset  int
	message string
}

func (w *wrong) Error() string { return w.message }

// parseCondition reads a condition. column gives the column of an event type,
// or false where there are too many.
func parseCondition(text string, column func(eventType string) (int, bool)) (*term, *wrong) {
	tree, err := parser.Parse(text)
	if err != nil {
		if at, ok := errors.AsType[*file.Error](err); ok {
			return nil, syntaxError(text, at)
		}
		return nil, &wrong{0, "is not a condition: " + grammar}
	}
	c := &converter{column: column}
	t := c.term(tree.Node)
	if c.wrong == nil && !t.logical() {
		c.fail(tree.Node, "is a number: compare it with another, as in views > 100")
	}
	if c.wrong != nil {
		return nil, c.wrong
	}
	return t, nil
}

// converter turns a parsed expression into terms, until something is wrong.
type converter struct {
	column func(eventType string) (int, bool)
	wrong  *wrong
}

// none stands for what could not be converted.
var none = &term{}

func (c *converter) fail(n ast.Node, format string, args ...any) *term {
	if c.wrong == nil {
		c.wrong = &wrong{n.Location().From, fmt.Sprintf(format, args...)}
	}
	return none
}

func (c *converter) term(n ast.Node) *term {
	if c.wrong != nil {
		return none
	}
	switch n := n.(type) {
	case *ast.IntegerNode:
		return c.number(n, float64(n.Value))
	case *ast.FloatNode:
		return c.number(n, n.Value)
	case *ast.IdentifierNode:
		return c.name(n)
	case *ast.BuiltinNode:
		return c.custom(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.fail(n.Cond, "? and if are not part of a condition: use && and ||")
	default:
		return c.fail(n, "%s is not part of a condition: %s", describe(n), grammar)
	}
}

func (c *converter) number(n ast.Node, value float64) *term {
	if value != 0 && !(value >= leastNumber && value <= mostNumber) {
		return c.fail(n, "%v: %s", value, numbers)
	}
	return &term{kind: number, value: value, offset: n.Location().From}
}

func (c *converter) name(n *ast.IdentifierNode) *term {
	if n.Value == rateName {
		return &term{kind: rate, offset: n.Location().From}
	}
	known := make([]string, 0, len(names))
	for _, k := range names {
		if k.name == n.Value {
			return c.count(n, k.eventType)
		}
		known = append(known, k.name)
	}
	return c.fail(n, "%q is not a count: give %s, %s or count(\"event_type\")", n.Value, strings.Join(known, ", "), rateName)
}

// custom is count("event_type").
func (c *converter) custom(n *ast.BuiltinNode) *term {
	if n.Name != "count" || len(n.Arguments) != 1 {
		return c.fail(n, "%s is not part of a condition: %s", describe(n), grammar)
	}
	eventType, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return c.fail(n, "count takes an event type in quotes, as in count(\"add_to_list\")")
	}
	if !event.ValidName(eventType.Value) || len(eventType.Value) > maxName {
		return c.fail(n, "%q is not an event type: give lower-case letters, digits and underscores, at most %d", eventType.Value, maxName)
	}
	return c.count(n, eventType.Value)
}

func (c *converter) count(n ast.Node, eventType string) *term {
	column, ok := c.column(eventType)
	if !ok {
		return c.fail(n, "counts %s: the rules of a set count at most %d event types, view and purchase included", eventType, MaxTypes)
	}
	return &term{kind: count, column: column, offset: n.Location().From}
}

func (c *converter) unary(n *ast.UnaryNode) *term {
	t := &term{right: c.term(n.Node), offset: n.Location().From}
	switch n.Operator {
	case "!", "not":
		t.kind = not
		return c.expect(n, n.Operator, t.right, true, t)
	case "-":
		t.kind = negative
		return c.expect(n, n.Operator, t.right, false, t)
	case "+":
		return c.expect(n, n.Operator, t.right, false, t.right)
	}
	return c.fail(n, "%s is not an operator of a condition", n.Operator)
}

func (c *converter) binary(n *ast.BinaryNode) *term {
	t := &term{op: n.Operator, offset: n.Location().From}
	takesLogical := false
	switch n.Operator {
	case "&&", "and":
		t.kind, t.op, takesLogical = and, "&&", true
	case "||", "or":
		t.kind, t.op, takesLogical = or, "||", true
	case "<", "<=", ">", ">=", "==", "!=":
		t.kind = comparison
	case "+", "-", "*", "/":
		t.kind = arithmetic
	default:
		return c.fail(n, "%s is not an operator of a condition: use + - * / < <= > >= == != && ||", n.Operator)
	}
	t.left, t.right = c.term(n.Left), c.term(n.Right)
	return c.expect(n, n.Operator, t.right, takesLogical, c.expect(n, n.Operator, t.left, takesLogical, t))
}

// expect is t where the operand is of the kind that the operator takes.
func (c *converter) expect(n ast.Node, op string, operand *term, logical bool, t *term) *term {
	switch {
	case c.wrong != nil || operand.logical() == logical:
		return t
	case logical:
		return c.fail(n, "%s takes conditions, and one side is a number: compare it, as in views > 100", op)
	default:
		return c.fail(n, "%s takes numbers, and one side is a condition: put parentheses round what belongs together", op)
	}
}

func describe(n ast.Node) string {
	text := []rune(n.String())
	if len(text) > 40 {
		text = append(text[:40], '…')
	}
	return string(text)
}
