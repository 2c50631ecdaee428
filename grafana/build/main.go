// Command build writes the shop's dashboard from its panels and the queries of
// package grafana. It is run in the folder grafana, by go generate.
package main

import (
	"fmt"
	"os"
)

const dashboardFile = "dashboards/shop.json"

func main() {
	text, err := shop()
	if err == nil {
		err = os.WriteFile(dashboardFile, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "write the dashboard:", err)
		os.Exit(1)
	}
}
