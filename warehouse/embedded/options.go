package embedded

import (
	"errors"

	"github.com/rs/zerolog"
)

// Options say where an engine keeps its data and where it reports to.
type Options struct {
	// Dir holds everything of the engine: data, configuration, passwords. It
	// is made when missing, readable by its owner only.
	Dir string

	// Database is the one whose views the user grafana may read; "clickstream"
	// when empty. The user clickstream may create and use any.
	Database string

	// Engine is the path of a clickhouse binary or of the library; when empty,
	// Start finds one, or installs the library.
	Engine string

	// Engines are table engines that the user clickstream may use beside those
	// that keep their rows here, such as Kafka in a benchmark.
	Engines []string

	Log      zerolog.Logger
	Progress Progress // may be nil
}

// errNoEngine is what Start returns where no embedded engine can be had: in a build without one, or on a system that it does not support.
var errNoEngine = errors.New("no embedded ClickHouse here")

// GrafanaViews are the views that the user grafana may read in the pipeline's
// database; a name that ends in * means all that begin with it. They have
// to be made with SQL SECURITY DEFINER: grafana may read nothing beneath them.
var GrafanaViews = []string{
	"events",
	"flash_sale_alerts",
	"alert_episodes",
	"rejected_events",
	"user_segmentation_daily",
	"top_products_daily",
	"conversion_rate_daily",
	"job_runs",
	"reports",
	"dashboard_*",
}
