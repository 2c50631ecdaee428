package jobs

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Text writes the report for a terminal, without colours.
func (r Report) Text(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.Day, r.Day.date().Weekday())
	for _, job := range Jobs() {
		section, ok := sections[job.Name]
		if !ok {
			section = func(r Report, w io.Writer) { r.rows(w, job.Name) }
		}
		r.section(&b, job, func(w io.Writer) { section(r, w) })
	}
	_, err := w.Write(b.Bytes())
	return err
}

// section writes what a job has made, or why there is nothing.
func (r Report) section(b *bytes.Buffer, job Job, table func(io.Writer)) {
	fmt.Fprintf(b, "\n%s\n", job.title)
	run, ok := r.Runs[job.Name]
	if failed, last := r.Failed[job.Name]; last {
		fmt.Fprintf(b, "  The last run failed: %s\n", plain(failed.Error))
	}
	switch {
	case !ok:
		fmt.Fprintf(b, "  Not made yet: clickstream jobs run %s --day %s\n", job.Name, r.Day)
	case run.Rows == 0:
		fmt.Fprintln(b, "  "+job.nothing)
	default:
		var lines bytes.Buffer
		t := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', 0)
		table(t)
		t.Flush()
		for line := range strings.Lines(lines.String()) {
			fmt.Fprintln(b, strings.TrimRight(line, " \n")) // the table fills up empty cells
		}
	}
}

// sections are the jobs whose rows have a form of their own in the report.
var sections = map[string]func(Report, io.Writer){
	UserSegmentation: Report.segments,
	TopProducts:      Report.topProducts,
	ConversionRates:  Report.conversion,
}

// rows writes the rows of a job as they are.
func (r Report) rows(w io.Writer, job string) {
	fmt.Fprintln(w, "  "+strings.Join(r.Others[job].Columns, "\t"))
	for _, row := range r.Others[job].Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = plain(cell)
		}
		fmt.Fprintln(w, "  "+strings.Join(cells, "\t"))
	}
}

func (r Report) segments(w io.Writer) {
	s := r.Segments
	all := s.Buyer + s.WindowShopper + s.Unknown
	fmt.Fprintf(w, "  buyers\t%s\t%s\n", count(s.Buyer), share(s.Buyer, all))
	fmt.Fprintf(w, "  window shoppers\t%s\t%s\t%s of them left a cart\n", count(s.WindowShopper), share(s.WindowShopper, all), count(s.CartAbandoner))
	fmt.Fprintf(w, "  unknown\t%s\t%s\n", count(s.Unknown), share(s.Unknown, all))
	fmt.Fprintf(w, "  revenue\t%s\n", s.Revenue.StringFixed(2))
	if !s.Refunded.IsZero() {
		fmt.Fprintf(w, "  refunded\t%s\n", s.Refunded.StringFixed(2))
	}
}

func (r Report) topProducts(w io.Writer) {
	fmt.Fprintln(w, "  rank\tproduct\tcategory\tviews\tviewers\taverage price\tplaces gained")
	for _, p := range r.TopProducts {
		fmt.Fprintf(w, "  %d\t%s\t%s\t%s\t%s\t%.2f\t%s\n", p.Rank, plain(p.ProductID), plain(p.Category), count(p.Views), count(p.UniqueViewers), p.AveragePrice, rankChange(p.RankChange))
	}
}

func (r Report) conversion(w io.Writer) {
	fmt.Fprintln(w, "  category\tviews\tcarts\tpurchases\tpurchases per view\tto the day before\tto the 7-day mean")
	for _, c := range r.Conversion {
		remark := ""
		switch {
		case c.Best:
			remark = "best"
		case c.Worst:
			remark = "worst"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%.2f%%\t%s\t%s\t%s\n", plain(c.Category), count(c.Views), count(c.Carts), count(c.Purchases), c.ViewToPurchase, points(c.ChangeToDayBefore), points(c.ChangeTo7DayMean), remark)
	}
}

// plain is a client's text without the control characters that would break the
// table, or talk to the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// count writes 1234567 as 1,234,567.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
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
