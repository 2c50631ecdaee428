package jobs

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"clickstream/internal/columns"
)

const (
	lineWidth = 80 // of the report's lines, at most

	shownCategories = 15
	// Columns that a table of other jobs has at most: so many fit, with a few
	// characters each.
	shownColumns = 9
)

// Text writes the report for a terminal, without colours and in lines of at
// most 80 places. Names that are longer than their column lose their middle.
func (r Report) Text(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.Day, r.Day.date().Weekday())
	for _, job := range Jobs() {
		section, ok := sections[job.Name]
		if !ok {
			section = func(r Report, w io.Writer) { r.rows(w, job) }
		}
		r.section(&b, job, func(w io.Writer) { section(r, w) })
	}
	_, err := w.Write(b.Bytes())
	return err
}

// section writes what a job has made, or why there is nothing.
func (r Report) section(w io.Writer, job Job, rows func(io.Writer)) {
	fmt.Fprintf(w, "\n%s\n", job.title)
	outcome := r.Jobs[job.Name]
	if outcome.Error != "" {
		paragraph(w, "The last run failed: "+plain(outcome.Error))
	}
	switch {
	case !outcome.Made:
		paragraph(w, fmt.Sprintf("Not made yet: clickstream jobs run %s --day %s", job.Name, r.Day))
	case outcome.Rows == 0:
		paragraph(w, job.nothing)
	default:
		rows(w)
	}
}

// sections are the jobs whose rows have a form of their own in the report.
var sections = map[string]func(Report, io.Writer){
	UserSegmentation: Report.segments,
	TopProducts:      Report.topProducts,
	ConversionRates:  Report.conversion,
}

// rows writes the rows of a job as they are.
func (r Report) rows(w io.Writer, job Job) {
	all := r.Others[job.Name]
	n := min(len(all.Columns), shownColumns)
	var headings []columns.Column
	for _, name := range all.Columns[:n] {
		headings = append(headings, columns.Column{Heading: plain(name)})
	}
	var lines [][]string
	for _, row := range all.Rows {
		lines = append(lines, plainAll(row[:n]))
	}
	table(w, headings, lines)
	var left []string
	if hidden := len(all.Columns) - n; hidden > 0 {
		left = append(left, fmt.Sprintf("columns left out: %d", hidden))
	}
	if made := r.Jobs[job.Name].Rows; made > uint64(len(lines)) {
		left = append(left, "rows left out: "+count(made-uint64(len(lines))))
	}
	if len(left) > 0 {
		paragraph(w, strings.Join(left, "; ")+". All of them:")
		paragraph(w, `clickstream sql "SELECT * FROM `+job.Table+" WHERE day = '"+r.Day.String()+`'"`) //nolint:unqueryvet // the reader wants all columns
	}
}

func (r Report) segments(w io.Writer) {
	s := r.Segments
	all := s.Buyer + s.WindowShopper + s.Unknown
	money := "revenue " + s.Revenue.text()
	if !s.Refunded.IsZero() {
		money += ", refunded " + s.Refunded.text()
	}
	table(w, []columns.Column{{}, {Number: true}, {Number: true}, {}}, [][]string{
		{"buyers", count(s.Buyer), share(s.Buyer, all), money},
		{"window shoppers", count(s.WindowShopper), share(s.WindowShopper, all), count(s.CartAbandoner) + " of them left a cart"},
		{"unknown", count(s.Unknown), share(s.Unknown, all), ""},
	})
}

func (r Report) topProducts(w io.Writer) {
	var rows [][]string
	for _, p := range r.TopProducts {
		price := "-"
		if !p.AveragePrice.IsZero() {
			price = p.AveragePrice.text()
		}
		rows = append(rows, []string{
			strconv.FormatUint(uint64(p.Rank), 10), plain(p.ProductID), plain(p.Category),
			count(p.Views), count(p.UniqueViewers), price, count(p.Purchases), rankChange(p.RankChange),
		})
	}
	table(w, []columns.Column{
		{Heading: "rank", Number: true}, {Heading: "product"}, {Heading: "category"}, {Heading: "views", Number: true},
		{Heading: "viewers", Number: true}, {Heading: "avg price", Number: true}, {Heading: "bought", Number: true}, {Heading: "moved", Number: true},
	}, rows)
}

func (r Report) conversion(w io.Writer) {
	shown := mostViewed(r.Conversion)
	var rows [][]string
	if len(r.Conversion) > 1 {
		rows = append(rows, append(r.Totals.cells("all categories"), ""))
	}
	hidden := r.Totals.Views
	for _, c := range shown {
		remark := ""
		switch {
		case c.Best:
			remark = "best"
		case c.Worst:
			remark = "worst"
		}
		rows = append(rows, append(c.cells(plain(c.Category)), remark))
		hidden -= min(hidden, c.Views)
	}
	table(w, []columns.Column{
		{Heading: "category"}, {Heading: "views", Number: true}, {Heading: "carts", Number: true}, {Heading: "bought", Number: true},
		{Heading: "rate", Number: true}, {Heading: "vs 1 day", Number: true}, {Heading: "vs 7 days", Number: true}, {},
	}, rows)
	if more := len(r.Conversion) - len(shown); more > 0 {
		paragraph(w, fmt.Sprintf("and %s more, with %s views; --output json lists all", count(uint64(more)), count(hidden)))
	}
}

// mostViewed are the categories to show, those with the most views first. The
// best and the worst are among them.
func mostViewed(all []Conversion) []Conversion {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Conversion) int {
		return cmp.Or(cmp.Compare(b.Views, a.Views), cmp.Compare(a.Category, b.Category))
	})
	must := []int{
		slices.IndexFunc(all, func(c Conversion) bool { return c.Best }),
		slices.IndexFunc(all, func(c Conversion) bool { return c.Worst }),
	}
	others := shownCategories
	for _, i := range must {
		if i >= 0 {
			others--
		}
	}
	var shown []Conversion
	for i, c := range all {
		switch {
		case slices.Contains(must, i):
			shown = append(shown, c)
		case others > 0:
			shown = append(shown, c)
			others--
		}
	}
	return shown
}

func (r Rates) cells(name string) []string {
	rate := "-"
	if r.Views > 0 {
		rate = fmt.Sprintf("%.2f%%", r.ViewToPurchase)
	}
	return []string{name, count(r.Views), count(r.Carts), count(r.Purchases), rate, points(r.ChangeToDayBefore), points(r.ChangeTo7DayMean)}
}

// table writes rows, indented, in the report's width.
func table(w io.Writer, headings []columns.Column, rows [][]string) {
	_ = columns.Table{Columns: headings, Rows: rows, Indent: 2, Width: lineWidth}.Print(w) // a buffer takes everything
}

// paragraph writes a sentence, indented, in the report's width.
func paragraph(w io.Writer, text string) {
	for i, line := range columns.Wrap(text, lineWidth-4) {
		fmt.Fprintln(w, strings.Repeat(" ", 2+2*min(i, 1))+line)
	}
}

// plain is a client's text without the characters that would break the table,
// talk to the terminal, or turn the direction of text.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return '?'
		}
		return r
	}, s)
}

func plainAll(cells []string) []string {
	all := make([]string, len(cells))
	for i, cell := range cells {
		all[i] = plain(cell)
	}
	return all
}

// count writes 1234567 as 1,234,567.
func count(n uint64) string { return thousands(strconv.FormatUint(n, 10)) }

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func share(n, all uint64) string {
	if all == 0 {
		return "0.0%"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(all))
}

func rankChange(change *int64) string {
	switch {
	case change == nil:
		return "-"
	case *change == 0:
		return "same"
	default:
		return fmt.Sprintf("%+d", *change)
	}
}

func points(change *float64) string {
	if change == nil {
		return "-"
	}
	return fmt.Sprintf("%+.2f", *change)
}
