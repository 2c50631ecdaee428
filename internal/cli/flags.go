package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// helpAll shows every flag in a command's help. Plain --help leaves out those of
// the engines, which are the same for most commands and longer than the rest.
const helpAll = "--help-all"

// engineGroups are the flags that plain --help leaves out.
var engineGroups = []string{"kafka", "clickhouse"}

// helpArgs returns args with --help-all as --help, and whether it was there.
// What comes after -- is no flag.
func helpArgs(args []string) (parsed []string, all bool) {
	parsed = slices.Clone(args)
	for i, arg := range parsed {
		if arg == "--" {
			break
		}
		if arg == helpAll {
			parsed[i], all = "--help", true
		}
	}
	return parsed, all
}

// hideEngineFlags leaves the engines' flags out of the help.
func hideEngineFlags(node *kong.Node) {
	for _, flag := range node.Flags {
		if flag.Group != nil && slices.Contains(engineGroups, flag.Group.Key) {
			flag.Hidden = true
		}
	}
	for _, child := range node.Children {
		hideEngineFlags(child)
	}
}

// joinNegatives writes "--flag -5" as "--flag=-5". The parser takes -5 for a
// flag; if it took every text with a hyphen for a value, it would also take the
// next flag for a value that was forgotten.
func joinNegatives(args []string) []string {
	var joined []string
	for i, arg := range args {
		if arg == "--" {
			return append(joined, args[i:]...)
		}
		negative := len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9'
		if last := len(joined) - 1; negative && last >= 0 && strings.HasPrefix(joined[last], "--") && !strings.Contains(joined[last], "=") {
			joined[last] += "=" + arg
			continue
		}
		joined = append(joined, arg)
	}
	return joined
}

const variablePrefix = "CLICKSTREAM_"

// otherVariables are those that are read and belong to no flag.
var otherVariables = []string{
	envKafkaPassword, envClickHousePassword, envWriteKeys, envNotifySecret, "CLICKSTREAM_CACHE_DIR",
}

// knownVariables are all environment variables that a flag or this program itself reads.
func knownVariables(node *kong.Node) []string {
	known := slices.Clone(otherVariables)
	var add func(*kong.Node)
	add = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known = append(known, flag.Envs...)
		}
		for _, child := range n.Children {
			add(child)
		}
	}
	add(node)
	slices.Sort(known)
	return slices.Compact(known)
}

// warnOfUnknownVariables names the variables of ours that nothing reads: a
// misspelt setting would otherwise be ignored in silence. It is no error,
// because other programs may have variables of that prefix.
func warnOfUnknownVariables(w io.Writer, environment, known []string) {
	for _, pair := range environment {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, variablePrefix) || strings.HasPrefix(name, variablePrefix+"TEST_") || slices.Contains(known, name) {
			continue
		}
		nearest := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
		meant := ""
		if distance(name, nearest) <= (len(name)-len(variablePrefix))/3 {
			meant = ": did you mean " + nearest + "?"
		}
		fmt.Fprintf(w, "warning: nothing reads the environment variable %s%s\n", printable(name), meant)
	}
}

// distance is the Levenshtein distance of two ASCII texts.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
