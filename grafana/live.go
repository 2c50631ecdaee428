package grafana

import (
	"fmt"
	"strings"
)

// Chart is one chart of ClickHouse's /dashboard page.
type Chart struct {
	Title string `json:"title"`
	SQL   string `json:"query"`
}

// LiveCharts are the charts that the demonstration opens on ClickHouse's
// /dashboard page, in their order. LiveParams fills their parameters.
func LiveCharts() ([]Chart, error) {
	charts := []Chart{
		{Title: "Events a second", SQL: "events_by_type"},
		{Title: "Newest flash sale", SQL: "flash_sale_product"},
		{Title: "Products in a flash sale", SQL: "products_in_flash_sale"},
		{Title: "Per 100 views", SQL: "conversion_over_time"},
		{Title: "Age of newest event (s)", SQL: "freshness"},
		{Title: "Rejected records", SQL: "rejected_over_time"},
	}
	for i, chart := range charts {
		sql, err := Query(chart.SQL)
		if err != nil {
			return nil, err
		}
		if charts[i].SQL, err = liveQuery(sql); err != nil {
			return nil, fmt.Errorf("live chart %q: %w", chart.Title, err)
		}
	}
	return charts, nil
}

// LiveParams are the parameters with which the page first draws the charts:
// the last half hour in steps of ten seconds. The page shows them as fields.
func LiveParams() map[string]string {
	return map[string]string{"from": "", "to": "", "seconds": "1800", "rounding": "10"}
}

// live spells the macros with the parameters that the /dashboard page fills
// in: from and to, or where from is empty the last so many seconds.
var live = func() span {
	const (
		from = "ifNull(parseDateTime64BestEffortOrNull({from:String}, 3, 'UTC'), now64(3, 'UTC') - {seconds:UInt32})"
		to   = "ifNull(parseDateTime64BestEffortOrNull({to:String}, 3, 'UTC'), now64(3, 'UTC'))"
	)
	return span{
		from: "toDateTime(" + from + ")", to: "toDateTime(" + to + ")",
		fromMillis: from, toMillis: to,
		fromDay: "toDate(" + from + ")", toDay: "toDate(" + to + ")",
		second: "{rounding:UInt32}", millisecond: "({rounding:UInt32} * 1000)",
	}
}()

// liveQuery writes a time series query as the /dashboard page needs it: its first
// column, time, as t in Unix seconds, each further column a line. Comments and
// indentation are left out, for the page's address holds the whole text.
func liveQuery(sql string) (string, error) {
	text, err := expand(sql, live)
	if err != nil {
		return "", err
	}
	lines := []string{"SELECT toUnixTimestamp(time) AS t, * EXCEPT time FROM ("}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	return strings.Join(append(lines, ") ORDER BY t"), "\n"), nil
}
