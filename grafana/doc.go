// Package grafana holds what dashboards show: the queries of the shop's
// dashboard (queries/*.sql, one file a panel, named for what it answers), the
// dashboard made from them (dashboards/shop.json, written by ./build), and
// Grafana's provisioning.
//
// The queries are written with the macros of Grafana's ClickHouse plugin. The
// live charts of ClickHouse's own /dashboard page are made from the same files
// (LiveCharts), so that both show the same numbers.
//
// The queries read only what the user grafana may read: the views events,
// flash_sale_alerts, alert_episodes, rejected_events and job_runs, and the reports' tables.
package grafana

//go:generate go run ./build
