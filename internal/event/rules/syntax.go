package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// grammar is all that a condition may be made of.
const grammar = "use counts, numbers, + - * /, comparisons, && || ! and parentheses"

// misspelt are operators of other languages, and what to write instead.
var misspelt = map[string]string{
	"=": "use == to compare", "===": "use == to compare", "!==": "use != to compare", "<>": "use != to compare",
	"=>": "use >= to compare", "=<": "use <= to compare",
	"&": "use && between conditions that both have to hold", "|": "use || between conditions of which one has to hold",
}

// syntaxError says why a condition cannot be read. The parser's own words name
// its tokens, which nobody who writes a rule has heard of.
func syntaxError(text string, found *file.Error) *wrong {
	tokens, err := lexer.Lex(file.NewSource(text))
	if unread, ok := errors.AsType[*file.Error](err); ok {
		return unreadable([]rune(text), unread)
	}
	// The end has the place of the last character, as a token there may have.
	i := len(tokens) - 1
	if !strings.HasSuffix(found.Message, string(lexer.EOF)) {
		i = slices.IndexFunc(tokens, func(t lexer.Token) bool { return t.From >= found.From })
	}
	if i < 0 {
		return &wrong{0, "is not a condition: " + grammar}
	}
	if strings.Contains(found.Message, " literal") && i > 0 {
		return &wrong{tokens[i-1].From, fmt.Sprintf("%s: %s", tokens[i-1].Value, numbers)}
	}
	if w := misspeltAt(tokens, i); w != nil {
		return w
	}
	return unexpected(tokens, i)
}

// misspeltAt looks for an operator that there is none of, up to the token at
// which the parser stopped and the one after it.
func misspeltAt(tokens []lexer.Token, stopped int) *wrong {
	for i := range min(stopped+1, len(tokens)) {
		t := tokens[i]
		if t.Kind != lexer.Operator {
			continue
		}
		if next := tokens[min(i+1, len(tokens)-1)]; next.From == t.To && misspelt[t.Value+next.Value] != "" {
			return &wrong{t.From, notOperator(t.Value + next.Value)}
		}
		if misspelt[t.Value] != "" {
			return &wrong{t.From, notOperator(t.Value)}
		}
	}
	return nil
}

func notOperator(op string) string {
	return op + " is not an operator of a condition: " + misspelt[op]
}

// unexpected says what is wrong with the i-th token after those before it.
func unexpected(tokens []lexer.Token, i int) *wrong {
	t, complete := tokens[i], i > 0 && endsValue(tokens[i-1])
	var open []lexer.Token
	for _, before := range tokens[:i] {
		switch {
		case before.Is(lexer.Bracket, "("):
			open = append(open, before)
		case before.Is(lexer.Bracket, ")") && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	word := strings.ToLower(t.Value)
	switch {
	case t.Kind == lexer.EOF && !complete:
		return &wrong{tokens[max(i-1, 0)].From, "ends where a number or a count is expected"}
	case t.Kind == lexer.EOF && len(open) > 0:
		return &wrong{open[len(open)-1].From, "a parenthesis is opened and not closed"}
	case t.Kind == lexer.EOF:
		return &wrong{0, "is not a condition: " + grammar}
	case complete && t.Is(lexer.Bracket, ")") && len(open) == 0:
		return &wrong{t.From, "a parenthesis is closed that is not open"}
	case complete && t.Kind == lexer.Identifier && slices.Contains([]string{"and", "or", "not"}, word):
		return &wrong{t.From, fmt.Sprintf("%s: write it in lower case, %s", t.Value, word)}
	case complete && t.Kind != lexer.Operator && t.Kind != lexer.Bracket:
		return &wrong{t.From, fmt.Sprintf("%s stands where an operator is expected, such as && or >", t.Value)}
	case !complete && (t.Kind == lexer.Operator || t.Is(lexer.Bracket, ")")):
		return &wrong{t.From, fmt.Sprintf("%s stands where a number or a count is expected", t.Value)}
	}
	return &wrong{t.From, fmt.Sprintf("%s is not part of a condition: %s", t.Value, grammar)}
}

// endsValue says whether a value may end with the token.
func endsValue(t lexer.Token) bool {
	return t.Kind != lexer.Operator && (t.Kind != lexer.Bracket || t.Is(lexer.Bracket, ")", "]", "}"))
}

// unreadable says what is wrong with characters that make no token.
func unreadable(text []rune, at *file.Error) *wrong {
	offset := min(max(at.From, 0), len(text)-1)
	switch {
	case strings.HasPrefix(at.Message, "unrecognized character"):
		return &wrong{offset, fmt.Sprintf("%q is not part of a condition: %s", string(text[offset]), grammar)}
	case strings.HasPrefix(at.Message, "bad number"):
		return &wrong{offset, "a number is followed by a letter: write numbers out, as in 1000 or 0.5"}
	case strings.HasPrefix(at.Message, "literal not terminated"):
		return &wrong{offset, "a quote is opened and not closed"}
	}
	return &wrong{offset, "is not a condition: " + grammar}
}
