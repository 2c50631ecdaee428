package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"clickstream/ingest/formats"
	"clickstream/internal/broker"
	"clickstream/jobs"
)

const root = "../.."

// TestDocsListEveryCommandAndFlag holds docs/commands.md to the grammar.
// go test ./internal/cli -run TestDocs -update writes it.
func TestDocsListEveryCommandAndFlag(t *testing.T) {
	want := reference(t)
	name := filepath.Join(root, "docs", "commands.md")
	if *updateGolden {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, name); got != want {
		t.Errorf("docs/commands.md is not what the commands say: run go test ./internal/cli -run TestDocs -update and commit it")
	}
}

func TestDocsReadmeNamesEveryCommand(t *testing.T) {
	readme := read(t, filepath.Join(root, "README.md"))
	if !strings.Contains(readme, "(docs/commands.md)") {
		t.Error("README.md has no link to docs/commands.md")
	}
	for _, command := range newTestParser(t).Model.Children {
		if !regexp.MustCompile("(?m)^\\| `" + command.Name + `\b`).MatchString(readme) {
			t.Errorf("the table of commands in README.md lacks %s", command.Name)
		}
	}
}

// Variables that belong to no flag are found by their names in the code.
func TestDocsListEveryEnvironmentVariable(t *testing.T) {
	docs := docsText(t)
	literal := regexp.MustCompile(`"(CLICKSTREAM_[A-Z_]+)"`)
	found := 0
	for _, name := range sources(t) {
		for _, match := range literal.FindAllStringSubmatch(read(t, name), -1) {
			found++
			if !contains(docs, match[1]) {
				t.Errorf("%s reads $%s, which no file in docs names", name, match[1])
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d variables were found in the code", found)
	}
}

func TestDocsNameEveryTableViewAndTopic(t *testing.T) {
	docs := docsText(t)
	files, err := filepath.Glob(filepath.Join(root, "migrations", "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	creates := regexp.MustCompile(`(?i)CREATE\s+(?:OR\s+REPLACE\s+)?(?:MATERIALIZED\s+)?(?:TABLE|VIEW|DICTIONARY)\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)`)
	for _, name := range files {
		for _, match := range creates.FindAllStringSubmatch(read(t, name), -1) {
			if !contains(docs, match[1]) {
				t.Errorf("%s creates %s, which no file in docs names", filepath.Base(name), match[1])
			}
		}
	}
	topics := broker.Config{}.Topics()
	for _, topic := range []string{topics.Events, topics.Alerts, topics.Inbound, topics.Rejected, topics.Rules, topics.Notifications} {
		if !contains(docs, topic) {
			t.Errorf("no file in docs names topic %s", topic)
		}
	}
}

// docs/architecture.md is the map: a package that is not on it is hard to find.
func TestDocsArchitectureNamesEveryPackageAndFile(t *testing.T) {
	text := read(t, filepath.Join(root, "docs", "architecture.md"))
	list := exec.CommandContext(t.Context(), "go", "list", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if name := strings.TrimPrefix(path, "clickstream/"); !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/architecture.md does not name package %s", name)
		}
	}
	for _, match := range regexp.MustCompile("`([a-z][a-z0-9_/]*/[a-z0-9_]+\\.(?:go|sql))`").FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(root, match[1])); err != nil {
			t.Errorf("docs/architecture.md names %s, which is not there", match[1])
		}
	}
	for _, match := range regexp.MustCompile("`([a-z][a-z0-9_/]*/[a-z0-9_]+\\.go)`((?:,? `[A-Za-z.]+`)+)").FindAllStringSubmatch(text, -1) {
		code := read(t, filepath.Join(root, match[1]))
		for name := range strings.FieldsFuncSeq(match[2], func(r rune) bool { return strings.ContainsRune("`, ", r) }) {
			found := contains(code, name)
			if receiver, method, is := strings.Cut(name, "."); is {
				found = regexp.MustCompile(`func \(\w+ \*?` + receiver + `\) ` + method + `\(`).MatchString(code)
			}
			if !found {
				t.Errorf("docs/architecture.md names %s in %s, which is not there", name, match[1])
			}
		}
	}
}

// The worked examples of docs/contributing.md are quoted from files that tests
// run: a block behind a comment <!-- from FILE --> is in that file as it is.
func TestDocsContributingQuotesWhatIsTested(t *testing.T) {
	text := read(t, filepath.Join(root, "docs", "contributing.md"))
	quotes := regexp.MustCompile("(?s)<!-- from (\\S+) -->\n```\\w+\n(.*?)\n```").FindAllStringSubmatch(text, -1)
	if len(quotes) < 7 {
		t.Errorf("docs/contributing.md quotes %d files", len(quotes))
	}
	for _, quote := range quotes {
		if !strings.Contains(read(t, filepath.Join(root, quote[1])), quote[2]) {
			t.Errorf("docs/contributing.md quotes from %s what is not in it:\n%s", quote[1], quote[2])
		}
	}
	quoted := regexp.MustCompile("(?s)<!-- from (\\S+) -->\n```\\w+\n(.*?)\n```").FindAllStringSubmatch(read(t, filepath.Join(root, "docs", "alerts.md")), -1)
	if len(quoted) != 1 || !strings.Contains(read(t, filepath.Join(root, quoted[0][1])), quoted[0][2]) {
		t.Errorf("docs/alerts.md does not quote how a signature is checked: %q", quoted)
	}
	for _, block := range codeWithoutSource(text) {
		t.Errorf("docs/contributing.md has code that no test compares with a file: write <!-- from FILE --> on the line before\n%s", block)
	}
}

// codeWithoutSource are the first lines of the blocks of Go and SQL that have no
// comment <!-- from FILE --> on the line before.
func codeWithoutSource(text string) (blocks []string) {
	fence, source := regexp.MustCompile("^ *```(?i:go|sql) *$"), regexp.MustCompile(`^<!-- from \S+ -->$`)
	lines := append([]string{""}, strings.Split(text, "\n")...)
	for i, line := range lines {
		if fence.MatchString(line) && !source.MatchString(lines[i-1]) {
			blocks = append(blocks, strings.Join(lines[i+1:min(i+2, len(lines))], ""))
		}
	}
	return blocks
}

func TestCodeWithoutASourceIsFound(t *testing.T) {
	const text = "A query:\n\n```sql\nSELECT 1\n```\n\n<!-- from a.go -->\n```go\nfunc a()\n```\n\n```sh\ngo test\n```\n" +
		"<!-- from a.go -->\n\n```go\nfunc b()\n```\n- a list\n  ```go\n  func c()\n  ```\n"
	if got := codeWithoutSource(text); !slices.Equal(got, []string{"SELECT 1", "func b()", "  func c()"}) {
		t.Errorf("found %q", got)
	}
}

// The formats of files are written down by hand in two places.
func TestDocsNameEveryFormat(t *testing.T) {
	for _, name := range []string{"README.md", filepath.Join("docs", "events.md")} {
		text := strings.ToLower(read(t, filepath.Join(root, name)))
		for _, format := range formats.Names() {
			if !contains(text, strings.ToLower(format)) {
				t.Errorf("%s does not name the format %s", name, format)
			}
		}
	}
}

// The documents are those that golden files hold.
func TestDocsDescribeEveryFieldOfTheJSON(t *testing.T) {
	text := read(t, filepath.Join(root, "docs", "events.md"))
	_, text, found := strings.Cut(text, "## Analyses and reports as JSON")
	if !found {
		t.Fatal("docs/events.md has no section on the JSON of analyses and reports")
	}
	names := regexp.MustCompile(`(?m)^ *"(\w+)":`)
	for _, document := range []string{"testdata/analyze.golden.json", filepath.Join(root, "jobs", "testdata", "day.json")} {
		for _, match := range names.FindAllStringSubmatch(read(t, document), -1) {
			if !slices.Contains([]string{jobs.UserSegmentation, jobs.TopProducts, jobs.ConversionRates}, match[1]) &&
				!regexp.MustCompile("`[a-z.]*\\b"+match[1]+"`").MatchString(text) {
				t.Errorf("docs/events.md does not describe the field %s of %s", match[1], document)
			}
		}
	}
}

// A link to a heading that was renamed leads to the top of a page, and nobody
// notices.
func TestDocsLinksLeadToFilesAndHeadings(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no docs: %v", err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]*)\)`)
	found := 0
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			found++
			file, heading, _ := strings.Cut(match[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", filepath.Base(page), match[1])
			} else if heading != "" && !slices.Contains(headings(read(t, target)), heading) {
				t.Errorf("%s links to %s, which has no such heading", filepath.Base(page), match[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d links were found", found)
	}
}

// headings are the names by which a link leads to the headings of a page.
func headings(text string) []string {
	var names []string
	dropped := regexp.MustCompile(`[^\pL\pN _-]`)
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		names = append(names, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return names
}

// contains says whether name stands in text as a whole word.
func contains(text, name string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(text)
}

// docsText is all that docs holds.
func docsText(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no docs: %v", err)
	}
	var text strings.Builder
	for _, name := range files {
		text.WriteString(read(t, name))
	}
	return text.String()
}

// sources are the Go files that are not tests.
func sources(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`, "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const referenceHead = `# Commands

This file is written by a test from the commands themselves: ` + "`go test ./internal/cli -run TestDocs -update`" + `.

Each flag can be given as the environment variable beside it; the command line wins. A variable ` + "`CLICKSTREAM_…`" + ` that nothing
reads draws a warning. Secrets are never flags:

| variable | holds |
|---|---|
| ` + "`CLICKSTREAM_KAFKA_SASL_PASSWORD`" + ` | the password of --kafka-sasl-user |
| ` + "`CLICKSTREAM_CLICKHOUSE_PASSWORD`" + ` | the password of --clickhouse-user |
| ` + "`CLICKSTREAM_WRITE_KEYS`" + ` | the collector's write keys, as NAME:SECRET,… |
| ` + "`CLICKSTREAM_NOTIFY_SECRET`" + ` | the secret with which notices of alerts are signed |
| ` + "`CLICKSTREAM_CACHE_DIR`" + ` | the folder that embedded engines are installed in (default: the user's cache folder) |

The tests read these:

| variable | holds |
|---|---|
| ` + "`CLICKSTREAM_TEST_BROKERS`" + ` | brokers to test against, in place of the embedded one |
| ` + "`CLICKSTREAM_TEST_CLICKHOUSE`" + ` | the native address of a ClickHouse to test against, in place of the embedded one |
| ` + "`CLICKSTREAM_TEST_CLICKHOUSE_HTTP`" + ` | its HTTP address |
| ` + "`CLICKSTREAM_TEST_CLICKHOUSE_USER`" + ` | its user |
| ` + "`CLICKSTREAM_TEST_CLICKHOUSE_PASSWORD`" + ` | the user's password |
`

func newTestParser(t *testing.T) *kong.Kong {
	t.Helper()
	parser, err := newParser(t.Context(), &terminal{out: new(bytes.Buffer), err: new(bytes.Buffer)}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// reference is docs/commands.md: the grammar as Markdown. Flags of a group are
// listed once, at the end.
func reference(t *testing.T) string {
	t.Helper()
	parser := newTestParser(t)
	var doc strings.Builder
	doc.WriteString(referenceHead)
	grouped := map[string][]*kong.Flag{}
	fmt.Fprintf(&doc, "\n## Flags of every command\n")
	writeFlags(&doc, parser.Model.Flags)
	for _, leaf := range parser.Model.Leaves(false) {
		writeCommand(&doc, leaf, grouped)
	}
	for _, group := range groups {
		fmt.Fprintf(&doc, "\n## %s\n", group.Title)
		writeFlags(&doc, grouped[group.Key])
	}
	return doc.String()
}

func writeCommand(doc *strings.Builder, leaf *kong.Node, grouped map[string][]*kong.Flag) {
	path := strings.TrimPrefix(leaf.FullPath(), "clickstream ")
	fmt.Fprintf(doc, "\n## %s\n\n%s\n", path, leaf.Help)
	if leaf.Detail != "" {
		fmt.Fprintf(doc, "\n```text\n%s\n```\n", strings.TrimSpace(leaf.Detail))
	}
	if len(leaf.Positional) > 0 {
		fmt.Fprintf(doc, "\n| argument | what it is |\n|---|---|\n")
		for _, argument := range leaf.Positional {
			fmt.Fprintf(doc, "| `%s` | %s |\n", argument.Summary(), cell(argument.Help))
		}
	}
	var own []*kong.Flag
	var titles []string
	for _, flag := range leaf.Flags {
		if flag.Group == nil {
			own = append(own, flag)
			continue
		}
		if !slices.ContainsFunc(grouped[flag.Group.Key], func(f *kong.Flag) bool { return f.Name == flag.Name }) {
			grouped[flag.Group.Key] = append(grouped[flag.Group.Key], flag)
		}
		if title, _, _ := strings.Cut(flag.Group.Title, " ("); !slices.Contains(titles, title) {
			titles = append(titles, title)
		}
	}
	writeFlags(doc, own)
	if len(titles) > 0 {
		fmt.Fprintf(doc, "\nGroups of flags, listed below: %s.\n", strings.Join(titles, ", "))
	}
}

func writeFlags(doc *strings.Builder, flags []*kong.Flag) {
	if len(flags) == 0 {
		return
	}
	fmt.Fprintf(doc, "\n| flag | variable | what it does |\n|---|---|---|\n")
	for _, flag := range flags {
		variable := "none"
		if len(flag.Envs) > 0 {
			variable = "`" + strings.Join(flag.Envs, "`, `") + "`"
		}
		fmt.Fprintf(doc, "| `%s` | %s | %s |\n", cell(flag.String()), variable, cell(flag.Help))
	}
}

// cell is text for a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}
