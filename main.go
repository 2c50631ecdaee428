// Command clickstream turns an online shop's click events into flash-sale
// alerts within a second and into reports that stay right.
package main

import (
	"os"
	_ "time/tzdata" // the shop's zone is known on machines without a zone database

	"clickstream/internal/cli"
	"clickstream/warehouse/embedded"
)

func main() {
	embedded.ChildMain()
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
