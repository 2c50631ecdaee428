package cli

import "embed"

//go:embed sql/*.sql
var sqlFiles embed.FS

// query returns the text of sql/name.sql.
func query(name string) string {
	text, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // a name that is not in this package
	}
	return string(text)
}
