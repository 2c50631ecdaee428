package rules

import (
	"fmt"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with a set.
type Problem struct {
	Line    int    `json:"line,omitempty"`   // in the rules file, from 1; 0: not known
	Column  int    `json:"column,omitempty"` // in that line, from 1
	Rule    string `json:"rule,omitempty"`   // its name or, without one, its number; empty: the whole set
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`

	index  int // of the rule; -1: the whole set
	offset int // characters into the value; -1: the whole field
}

func (p Problem) Error() string {
	var parts []string
	if p.Line > 0 {
		parts = append(parts, fmt.Sprintf("line %d, column %d", p.Line, p.Column))
	}
	if p.Rule != "" {
		parts = append(parts, "rule "+p.Rule)
	}
	if p.Field != "" {
		parts = append(parts, p.Field)
	}
	if p.Line == 0 && p.offset > 0 {
		parts = append(parts, fmt.Sprintf("character %d", p.offset+1))
	}
	return strings.Join(append(parts, p.Message), ": ")
}

// Problems are all that is wrong with a set.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

func (r *Rule) problem(i int, field, format string, args ...any) Problem {
	return Problem{Field: field, Message: fmt.Sprintf(format, args...), index: i, offset: -1}
}

// withNames says in each problem which rule it is of.
func (p Problems) withNames(rules []Rule) Problems {
	for i := range p {
		if at := p[i].index; at >= 0 && at < len(rules) && rules[at].Name != "" {
			p[i].Rule = rules[at].Name
		} else if at >= 0 {
			p[i].Rule = strconv.Itoa(at + 1)
		}
	}
	return p
}
