// Package migrations holds the warehouse's tables as goose SQL files. They name
// no database and no cluster: the engine family is filled in when they run
// ({{.Replicated}} before a MergeTree family name, {{.OnCluster}} after a
// table's name). Every statement may be repeated: several instances may migrate
// at once, and a migration that was cut off is run again from its beginning.
package migrations

import "embed"

// Files are the migrations, in the order of their numbers.
//
//go:embed *.sql
var Files embed.FS
