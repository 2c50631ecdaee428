package cli

import (
	"embed"

	"clickstream/warehouse"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// query returns the text of sql/name.sql.
func query(name string) string { return warehouse.SQL(sqlFiles, name, nil) }
