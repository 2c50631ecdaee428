package jobs

import (
	"embed"
	"fmt"
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

	key string // the table is sorted by day and this column
}

// Jobs are all jobs, in the order in which they are due.
func Jobs() []Job {
	return []Job{
		{UserSegmentation, "01:00", "user_segmentation_daily", "what each user did, and whether that makes a buyer or a window shopper", "user_id"},
		{TopProducts, "02:00", "top_products_daily", "the most viewed products with their viewers, prices, rates and revenue", "rank"},
		{ConversionRates, "03:00", "conversion_rate_daily", "how many views became carts and purchases, by category", "category"},
	}
}

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

//go:embed sql/*.sql
var sqlFiles embed.FS

// query returns the text of sql/name.sql.
func query(name string) string { return warehouse.SQL(sqlFiles, name, nil) }
