package grafana

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed queries/*.sql
var files embed.FS

// Query is the text of queries/NAME.sql, with its comments and macros.
func Query(name string) (string, error) {
	text, err := files.ReadFile("queries/" + name + ".sql")
	if err != nil {
		return "", fmt.Errorf("there is no dashboard query %q: %w", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Queries are the names of all queries, sorted.
func Queries() []string {
	paths, err := fs.Glob(files, "queries/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(path, "queries/"), ".sql")
	}
	return names
}
