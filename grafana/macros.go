package grafana

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// span is how a macro's parts are written in SQL: the limits of the time range
// and the length of an interval.
type span struct {
	from, to             string // DateTime
	fromMillis, toMillis string // DateTime64(3)
	fromDay, toDay       string // Date
	second, millisecond  string // the interval, in that unit
}

// Macros are Grafana's own syntax, not that of the warehouse's SQL files: Grafana
// expands them itself in the dashboards, and the console shows the same queries.

// Expand writes a query as Grafana's ClickHouse plugin (4.20) does for a
// dashboard that shows the time from..to in steps of interval. Days are those
// of the location of from and to.
func Expand(sql string, from, to time.Time, interval time.Duration) (string, error) {
	return expand(sql, span{
		from:        fmt.Sprintf("toDateTime(%d)", from.Unix()),
		to:          fmt.Sprintf("toDateTime(%d)", to.Unix()),
		fromMillis:  fmt.Sprintf("fromUnixTimestamp64Milli(%d)", from.UnixMilli()),
		toMillis:    fmt.Sprintf("fromUnixTimestamp64Milli(%d)", to.UnixMilli()),
		fromDay:     fmt.Sprintf("toDate('%s')", from.Format(time.DateOnly)),
		toDay:       fmt.Sprintf("toDate('%s')", to.Format(time.DateOnly)),
		second:      strconv.FormatInt(max(1, int64(interval/time.Second)), 10),
		millisecond: strconv.FormatInt(max(1, interval.Milliseconds()), 10),
	})
}

// macroName finds where a macro begins.
var macroName = regexp.MustCompile(`\$__([A-Za-z_]+)`)

// expand replaces every macro by its SQL. A macro inside another one's
// arguments is refused: the plugin promises no order of expansion.
func expand(sql string, s span) (string, error) {
	var out strings.Builder
	for {
		at := macroName.FindStringSubmatchIndex(sql)
		if at == nil {
			out.WriteString(sql)
			return out.String(), nil
		}
		out.WriteString(sql[:at[0]])
		name := sql[at[2]:at[3]]
		args, rest, err := arguments(sql[at[1]:])
		if err != nil {
			return "", fmt.Errorf("macro $__%s: %w", name, err)
		}
		text, err := s.macro(name, args)
		if err != nil {
			return "", err
		}
		out.WriteString(text)
		sql = rest
	}
}

// arguments splits "(a, f(b, c)) …" into its arguments and the text after
// them. Text without an opening parenthesis has no arguments.
func arguments(sql string) (args []string, rest string, err error) {
	if !strings.HasPrefix(sql, "(") {
		return nil, sql, nil
	}
	depth, start := 0, 1
	for i := range len(sql) {
		switch sql[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 || depth == 1 && sql[i] == ',' {
			arg := strings.TrimSpace(sql[start:i])
			if macroName.MatchString(arg) {
				return nil, "", fmt.Errorf("%q holds another macro", arg)
			}
			if arg != "" {
				args = append(args, arg)
			}
			start = i + 1
		}
		if depth == 0 {
			return args, sql[i+1:], nil
		}
	}
	return nil, "", errors.New("its parenthesis is not closed")
}

// macro is the SQL of one macro, by the table in the plugin's documentation.
func (s span) macro(name string, args []string) (string, error) {
	known, ok := map[string]struct {
		args int
		sql  func(a []string) string
	}{
		"timeFilter": {1, func(a []string) string {
			return fmt.Sprintf("%s >= %s AND %s <= %s", a[0], s.from, a[0], s.to)
		}},
		"timeFilter_ms": {1, func(a []string) string {
			return fmt.Sprintf("%s >= %s AND %s <= %s", a[0], s.fromMillis, a[0], s.toMillis)
		}},
		"dateFilter": {1, func(a []string) string {
			return fmt.Sprintf("%s >= %s AND %s <= %s", a[0], s.fromDay, a[0], s.toDay)
		}},
		"fromTime":    {0, func([]string) string { return s.from }},
		"toTime":      {0, func([]string) string { return s.to }},
		"fromTime_ms": {0, func([]string) string { return s.fromMillis }},
		"toTime_ms":   {0, func([]string) string { return s.toMillis }},
		"interval_s":  {0, func([]string) string { return s.second }},
		"timeInterval": {1, func(a []string) string {
			return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %s second)", a[0], s.second)
		}},
		"timeInterval_ms": {1, func(a []string) string {
			return fmt.Sprintf("toStartOfInterval(toDateTime64(%s, 3), INTERVAL %s millisecond)", a[0], s.millisecond)
		}},
	}[name]
	if !ok {
		return "", fmt.Errorf("macro $__%s is not known here", name)
	}
	if len(args) != known.args {
		return "", fmt.Errorf("macro $__%s takes %d arguments, here are %d", name, known.args, len(args))
	}
	return known.sql(args), nil
}
