// Package migrations holds the warehouse's tables as goose SQL files. They name
// no database and no cluster: the engine family is filled in when they run
// ({{.Replicated}} before a MergeTree family name, {{.OnCluster}} after a
// table's name).
package migrations

import "embed"

// Files are the migrations, in the order of their numbers.
//
//go:embed *.sql
var Files embed.FS
