package main

// panel is one panel of the dashboard, in the order in which they are read.
type panel struct {
	title, description string
	query              string // a file of package grafana
	kind               kind
	width, height      int // of 24 columns; a row of the grid is 30 pixels
	unit               string
	empty              string // shown where there is nothing to show
	steps              []step // colours of the values, for stat panels
	columns            []column
}

type kind string

const (
	timeSeries kind = "timeseries"
	stat       kind = "stat"
	table      kind = "table"
	pie        kind = "piechart"
)

// step is the colour of values from a limit on; the first one's limit is not
// used.
type step struct {
	colour string
	from   float64
}

// column says how one column or line is shown.
type column struct {
	name    string
	title   string
	unit    string
	look    look
	colours map[string]string // of texts
}

type look int

const (
	plain   look = iota
	percent      // a bar from 0 to 100
	share        // a bar from 0 to the column's largest value
	bars         // a line of a time series, drawn as bars
)

const (
	perSecond = "suffix: /s"
	onlyDay   = "time:YYYY-MM-DD"
)

var shopPanels = []panel{
	{
		title:       "Newest event",
		description: "Time since the newest event was received. Green: the shop's events arrive and are stored.",
		query:       "newest_event", kind: stat, width: 5, height: 4, unit: "s", empty: "none for a day",
		steps: []step{{"green", 0}, {"yellow", 60}, {"red", 300}},
	},
	{
		title:       "Events received",
		description: "Events that came in during the time shown, and the seconds between the click and its arrival in the log: the median and the 99th percentile.",
		query:       "events_received", kind: stat, width: 11, height: 4, empty: "none",
		columns: []column{
			{name: "events", title: "events", unit: "short"},
			{name: "median_delay", title: "median delay", unit: "s"},
			{name: "slowest_delay", title: "99th percentile", unit: "s"},
		},
	},
	{
		title:       "Reports",
		description: "The newest run of each job. The daily panels below show the reports of these runs.",
		query:       "job_runs", kind: table, width: 8, height: 4, empty: "no job has run yet",
		columns: []column{
			{name: "reported_day", title: "day", unit: onlyDay},
			{name: "last_state", title: "state", colours: map[string]string{"succeeded": "green", "running": "blue", "failed": "red"}},
			{name: "last_start", title: "started"},
			{name: "report_rows", title: "rows", unit: "short"},
			{name: "last_error", title: "error"},
		},
	},
	{
		title:       "Flash sales",
		description: "Products that many view and few buy, a line for each spike, with the counts of the window with the most views. Firing: a window that qualifies is still open. Ended: all have closed. Retracted: purchases came after all.",
		query:       "flash_sales", kind: table, width: 14, height: 9, empty: "no flash sale in this time",
		columns: []column{
			{name: "first_window", title: "windows from"},
			{name: "last_window_end", title: "to"},
			{name: "status", colours: map[string]string{"firing": "red", "ended": "orange", "retracted": "text"}},
			{name: "windows", unit: "short"},
			{name: "views", unit: "short", look: share},
			{name: "purchases", unit: "short"},
			{name: "conversion", unit: "percent"},
			{name: "exact", title: "exact count"},
		},
	},
	{
		title:       "The newest flash sale's product",
		description: "Views and purchases, in each step, of the product whose window qualified last.",
		query:       "flash_sale_product", kind: timeSeries, width: 10, height: 9, unit: "short", empty: "no flash sale in this time",
		columns: []column{{name: "purchases", look: bars}},
	},
	{
		title:       "Events by type",
		description: "Events a second, by when they happened.",
		query:       "events_by_type", kind: timeSeries, width: 12, height: 8, unit: perSecond, empty: "no event in this time",
	},
	{
		title:       "Conversion",
		description: "Purchases, and products put into the cart, per 100 views. Steps without a view are left out.",
		query:       "conversion_over_time", kind: timeSeries, width: 12, height: 8, unit: "percent", empty: "no event in this time",
	},
	{
		title:       "Funnel",
		description: "How many sessions of the time shown viewed a product, then put one into the cart, then bought.",
		query:       "funnel", kind: table, width: 8, height: 7, empty: "no event in this time",
		columns: []column{
			{name: "reached_step", title: "step"},
			{name: "sessions", unit: "short"},
			{name: "percent", unit: "percent", look: percent},
		},
	},
	{
		title:       "Products in a flash sale",
		description: "How many products were in a flash sale at each moment. Firing: in a window that is still open. Confirmed: in one that has closed. Retracted: in one that no longer qualified.",
		query:       "products_in_flash_sale", kind: timeSeries, width: 8, height: 7, unit: "short", empty: "no flash sale in this time",
	},
	{
		title:       "Age of the newest event",
		description: "At the end of each step, how long ago the newest event had come in. A rising line means that no events arrive or that none are stored.",
		query:       "freshness", kind: timeSeries, width: 8, height: 7, unit: "s", empty: "no event in this time",
	},
	{
		title:       "Top products",
		description: "The most viewed products of the last day reported on.",
		query:       "top_products", kind: table, width: 24, height: 7, empty: "no day has been reported on yet",
		columns: []column{
			{name: "day", unit: onlyDay},
			{name: "views", unit: "short", look: share},
			{name: "unique_viewers", title: "viewers", unit: "short"},
			{name: "average_price", title: "average price"},
			{name: "purchases", unit: "short"},
			{name: "conversion", unit: "percent"},
		},
	},
	{
		title:       "Conversion by category",
		description: "Of the last day reported on, the best category first. The rates of a category with few views mean little.",
		query:       "conversion_by_category", kind: table, width: 16, height: 9, empty: "no day has been reported on yet",
		columns: []column{
			{name: "day", unit: onlyDay},
			{name: "views", unit: "short"},
			{name: "conversion", title: "purchases per 100 views", unit: "percent", look: share},
			{name: "view_to_cart", title: "carts per 100 views", unit: "percent"},
			{name: "cart_to_purchase", title: "purchases per 100 carts", unit: "percent"},
		},
	},
	{
		title:       "Customers",
		description: "Users of the last day reported on: buyers, window shoppers (looked, or filled a cart, without buying) and those that are neither.",
		query:       "segments", kind: pie, width: 8, height: 9, unit: "short", empty: "no day has been reported on yet",
	},
	{
		title:       "Rejected, by reason",
		description: "Records that broke a rule, by the time at which they were received. Their bytes are kept unchanged.",
		query:       "rejected_by_reason", kind: table, width: 16, height: 7, empty: "nothing was rejected in this time",
		columns: []column{
			{name: "records", unit: "short", look: share},
			{name: "last_seen", title: "last seen"},
			{name: "came_from", title: "came from"},
		},
	},
	{
		title:       "Rejected",
		description: "Rejected records in each step.",
		query:       "rejected_over_time", kind: timeSeries, width: 8, height: 7, unit: "short", empty: "nothing was rejected in this time",
		columns: []column{{name: "rejected", look: bars}},
	},
}
