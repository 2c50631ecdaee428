package jobs

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"clickstream/warehouse"
)

// Names of the jobs.
const (
	UserSegmentation = "user_segmentation"
	TopProducts      = "top_products"
	ConversionRates  = "conversion_rates"
)

// Job makes one table of the daily reports.
type Job struct {
	Name        string
	At          string // when it is due for the day before, by the shop's clock: "01:00"
	Table       string
	Description string

	title   string // of its section in the report
	nothing string // what the report says where there are no rows
	key     string // the table is sorted by day and this column
	files   fs.FS  // sql/NAME.sql is the query that makes the rows
}

// registry is all jobs, in the order in which they are due. A job that is added
// here runs, is backfilled, and has a section in the report; Report.Text shows
// its rows as they are unless it gets a section of its own there.
var registry = []Job{
	{
		Name: UserSegmentation, At: "01:00", Table: "user_segmentation_daily", key: "user_id", files: sqlFiles,
		Description: "what each user did, and whether that makes a buyer or a window shopper",
		title:       "Users", nothing: "No events of users on this day.",
	},
	{
		Name: TopProducts, At: "02:00", Table: "top_products_daily", key: "rank", files: sqlFiles,
		Description: "the most viewed products with their viewers, prices, rates and revenue",
		title:       "Most viewed products", nothing: "No views on this day.",
	},
	{
		Name: ConversionRates, At: "03:00", Table: "conversion_rate_daily", key: "category", files: sqlFiles,
		Description: "how many views became carts and purchases, by category",
		title:       "Conversion by category (purchases in % of views, changes in points)", nothing: "No views, carts or purchases on this day.",
	},
}

// Jobs are all jobs, in the order in which they are due.
func Jobs() []Job { return slices.Clone(registry) }

// Find returns the job of that name.
func Find(name string) (Job, error) {
	var names []string
	for _, j := range Jobs() {
		if j.Name == name {
			return j, nil
		}
		names = append(names, j.Name)
	}
	return Job{}, fmt.Errorf("no job is called %q: there are %s", name, strings.Join(names, ", "))
}

// due is when the job is due for a day: at its hour of the day after.
func (j Job) due(day Day, loc *time.Location) time.Time {
	at, err := time.Parse("15:04", j.At)
	if err != nil {
		panic(fmt.Sprintf("job %s is due at %q, which is no time of day", j.Name, j.At))
	}
	return (day + 1).at(at.Hour(), at.Minute(), loc)
}

// lastDue is the last day that the job is due for by now.
func (j Job) lastDue(now time.Time, loc *time.Location) Day {
	day := DayOf(now, loc) - 1
	if j.due(day, loc).After(now) {
		day--
	}
	return day
}

//go:embed sql/*.sql
var sqlFiles embed.FS

// query returns the text of sql/name.sql.
func query(name string) string { return warehouse.SQL(sqlFiles, name, nil) }
