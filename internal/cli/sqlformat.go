package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Outputs of the command sql. Those in capitals have no column names in their
// first line, as ClickHouse's formats of that name.
const (
	outTable    = "table"
	outVertical = "vertical"
	outJSON     = "json"
	outLines    = "jsonl"
	outCSV      = "csv"
	outTSV      = "tsv"
	outBareCSV  = "CSV"
	outBareTSV  = "TSV"
)

// formatOutputs are ClickHouse's formats that this command prints itself, in
// lower case: the native protocol ignores a query's FORMAT.
var formatOutputs = map[string]string{
	"csv": outBareCSV, "csvwithnames": outCSV,
	"tsv": outBareTSV, "tabseparated": outBareTSV, "tsvwithnames": outTSV, "tabseparatedwithnames": outTSV,
	"json": outJSON, "jsoneachrow": outLines, "jsonlines": outLines, "ndjson": outLines,
	"vertical": outVertical, "pretty": outTable, "prettycompact": outTable,
}

var formatAtEnd = regexp.MustCompile(`(?is)\sFORMAT\s+([a-z0-9]+)\s*;?\s*$`)

// splitFormat removes the FORMAT from a query's end and returns the output that it
// means, or "" where the query has none.
func splitFormat(query string) (rest, output string, err error) {
	at := formatAtEnd.FindStringSubmatchIndex(query)
	if at == nil || strings.Contains(query[strings.LastIndexByte(query[:at[0]+1], '\n')+1:at[0]], "--") {
		return query, "", nil
	}
	name := query[at[2]:at[3]]
	output, ok := formatOutputs[strings.ToLower(name)]
	if !ok {
		return "", "", usagef("FORMAT %s is not supported here: leave it out and give --output table, vertical, json, jsonl, csv or tsv", name)
	}
	return query[:at[0]], output, nil
}

// queryLast moves a query that begins with a comment to after "--", where it is
// not taken for a flag: no flag has white space in its name.
func queryLast(args []string) []string {
	if len(args) == 0 || args[0] != "sql" {
		return args
	}
	for i, arg := range args[1:] {
		if arg == "--" {
			return args
		}
		name, _, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(arg, "--") && strings.ContainsAny(name, " \t\r\n") {
			return append(slices.Delete(slices.Clone(args), i+1, i+2), "--", arg)
		}
	}
	return args
}

const (
	columnGap   = 2
	columnLeast = 6 // a column is not made narrower than this
)

// fit shortens the widest cells, with an ellipsis, until a table is no wider
// than width, if that can be. It reports whether it shortened any.
func fit(rows [][]string, width int) bool {
	widths := make([]int, len(rows[0]))
	total := 0
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], len([]rune(row[i])))
		}
		total += widths[i] + columnGap
	}
	for ; total-columnGap > width; total-- {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= columnLeast {
			break
		}
		widths[widest]--
	}
	shortened := false
	for _, row := range rows {
		for i, cell := range row {
			if runes := []rune(cell); len(runes) > widths[i] {
				row[i], shortened = string(runes[:widths[i]-1])+"…", true
			}
		}
	}
	return shortened
}

// vertical writes a row as a block, a column a line.
func vertical(number int, columns, values []string) string {
	widest := 0
	for _, c := range columns {
		widest = max(widest, len([]rune(printable(c))))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Row %d:\n", number)
	for i, c := range columns {
		fmt.Fprintf(&b, "%-*s  %s\n", widest+1, printable(c)+":", printable(values[i]))
	}
	return b.String()
}
