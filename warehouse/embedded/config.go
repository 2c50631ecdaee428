//go:build !noembed && (linux || darwin)

package embedded

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed config.xml.tmpl
var configXML string

//go:embed users.xml.tmpl
var usersXML string

// The statements of the engine's own session. It opens the ports and then
// lives for as long as the last statement runs, which is for ever. Their number
// is the quota of the user default: no other client can run one.
const (
	openTCP  = "SYSTEM START LISTEN TCP"
	openHTTP = "SYSTEM START LISTEN HTTP"
	stayUp   = "SELECT 1 FROM system.numbers WHERE sleepEachRow(1)" +
		" SETTINGS function_sleep_max_microseconds_per_block = 0, max_block_size = 1 FORMAT Null"
)

var sessionStatements = []string{openTCP, openHTTP, stayUp}

// Engines that keep their rows here. None that reads a file of the machine or
// talks to another server is among them.
var tableEngines = []string{
	"MergeTree", "ReplacingMergeTree", "AggregatingMergeTree", "SummingMergeTree",
	"CollapsingMergeTree", "VersionedCollapsingMergeTree",
	"Memory", "Null", "Set", "Join",
}

var databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// writeConfig writes the engine's configuration into dir and returns its path.
func writeConfig(dir, database string, engines []string, c Credentials) (string, error) {
	if !databaseName.MatchString(database) {
		return "", fmt.Errorf("database %q: a name is letters, digits and underscores", database)
	}
	values := map[string]any{
		"UsersFile":           filepath.Join(dir, "users.xml"),
		"SessionStatements":   len(sessionStatements),
		"PasswordHash":        sha256Hex(c.Password),
		"GrafanaPasswordHash": sha256Hex(c.GrafanaPassword),
		"Engines":             slices.Concat(tableEngines, engines),
		"Database":            database,
		"GrafanaViews":        GrafanaViews,
	}
	config := filepath.Join(dir, "config.xml")
	for path, text := range map[string]string{config: configXML, filepath.Join(dir, "users.xml"): usersXML} {
		t, err := template.New(filepath.Base(path)).Funcs(template.FuncMap{"xml": escapeXML}).Parse(text)
		if err != nil {
			return "", fmt.Errorf("parse the template of %s: %w", path, err)
		}
		var content bytes.Buffer
		if err := t.Execute(&content, values); err != nil {
			return "", fmt.Errorf("fill in %s: %w", path, err)
		}
		if err := writeFile(path, content.Bytes()); err != nil {
			return "", fmt.Errorf("write the embedded ClickHouse's configuration: %w", err)
		}
	}
	return config, nil
}

func escapeXML(s string) (string, error) {
	var b strings.Builder
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}
