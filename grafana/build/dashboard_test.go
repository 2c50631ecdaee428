package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"clickstream/grafana"
	"clickstream/warehouse/embedded"
)

// written is what Grafana reads of the dashboard's file.
type written struct {
	UID           string `json:"uid"`
	SchemaVersion int    `json:"schemaVersion"`
	Panels        []struct {
		ID         int    `json:"id"`
		Type       string `json:"type"`
		Title      string `json:"title"`
		Datasource struct{ Type, UID string }
		GridPos    struct{ X, Y, W, H int }
		Targets    []struct {
			RefID         string `json:"refId"`
			Datasource    struct{ Type, UID string }
			EditorType    string `json:"editorType"`
			PluginVersion string `json:"pluginVersion"`
			QueryType     string `json:"queryType"`
			Format        int
			RawSQL        string `json:"rawSql"`
		}
		FieldConfig struct {
			Overrides []struct {
				Matcher struct{ ID, Options string }
			}
		} `json:"fieldConfig"`
		Description string
	}
}

func readShop(t *testing.T) written {
	t.Helper()
	text, err := os.ReadFile("../" + dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var w written
	if err := json.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheDashboardIsCurrent(t *testing.T) {
	want, err := shop()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../" + dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("grafana/%s is not what its panels and queries say: run go generate ./grafana", dashboardFile)
	}
}

func TestEveryPanelAsksTheProvisionedDatasource(t *testing.T) {
	var provisioned struct {
		Datasources []struct{ UID, Type string }
	}
	text, err := os.ReadFile("../provisioning/datasources/clickhouse.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &provisioned); err != nil {
		t.Fatal(err)
	}
	if len(provisioned.Datasources) != 1 {
		t.Fatalf("%d datasources are provisioned", len(provisioned.Datasources))
	}
	source := provisioned.Datasources[0]

	ids := map[int]bool{}
	for _, p := range readShop(t).Panels {
		if ids[p.ID] || p.ID < 1 {
			t.Errorf("panel %q has the id %d of another", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Title == "" || p.Description == "" || len(p.Targets) != 1 {
			t.Errorf("panel %d: title %q, description %q, %d queries", p.ID, p.Title, p.Description, len(p.Targets))
			continue
		}
		target := p.Targets[0]
		if p.Datasource.UID != source.UID || target.Datasource.UID != source.UID ||
			p.Datasource.Type != source.Type || target.Datasource.Type != source.Type {
			t.Errorf("panel %q asks %v and %v, not %v", p.Title, p.Datasource, target.Datasource, source)
		}
		if target.RefID != "A" || target.EditorType != "sql" || target.PluginVersion == "" {
			t.Errorf("panel %q: target %+v", p.Title, target)
		}
		// What has a column time is drawn over time, and nothing else is.
		overTime := strings.Contains(target.RawSQL, " AS time")
		if overTime != (p.Type == "timeseries") || overTime != (target.Format == 0) || overTime != (target.QueryType == "timeseries") {
			t.Errorf("panel %q is a %s of format %d, %s", p.Title, p.Type, target.Format, target.QueryType)
		}
		for _, override := range p.FieldConfig.Overrides {
			if !strings.Contains(target.RawSQL, override.Matcher.Options) {
				t.Errorf("panel %q speaks of a column %q that its query has not", p.Title, override.Matcher.Options)
			}
		}
	}
}

func TestNoPanelCoversAnother(t *testing.T) {
	taken := map[[2]int]string{}
	for _, p := range readShop(t).Panels {
		if p.GridPos.X+p.GridPos.W > gridColumns {
			t.Errorf("panel %q is wider than the grid", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, is := taken[[2]int{x, y}]; is {
					t.Fatalf("panels %q and %q meet at %d, %d", other, p.Title, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

func TestEveryQueryHasAPanel(t *testing.T) {
	var asked []string
	for _, p := range shopPanels {
		asked = append(asked, p.query)
	}
	for _, name := range grafana.Queries() {
		if !slices.Contains(asked, name) {
			t.Errorf("no panel shows %s.sql", name)
		}
	}
}

func TestComposeInstallsThePluginThatTheQueriesAreFor(t *testing.T) {
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := datasourceType + "@" + pluginVersion; !strings.Contains(string(text), want) {
		t.Errorf("compose.yaml does not install %s", want)
	}
}

// The user grafana of the server is the user grafana of the embedded engine, on
// which the queries are tried.
func TestGrafanasUserMayReadTheSameEverywhere(t *testing.T) {
	text, err := os.ReadFile("../clickhouse/grafana-user.xml")
	if err != nil {
		t.Fatal(err)
	}
	var user struct {
		Readonly int      `xml:"profiles>dashboards>readonly"`
		Profile  string   `xml:"users>grafana>profile"`
		Grants   []string `xml:"users>grafana>grants>query"`
		Password struct {
			Env string `xml:"from_env,attr"`
		} `xml:"users>grafana>password"`
	}
	if err := xml.Unmarshal(text, &user); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, view := range embedded.GrafanaViews {
		want = append(want, "GRANT SELECT ON clickstream."+view)
	}
	if !slices.Equal(user.Grants, want) {
		t.Errorf("grafana may, on a server,\n%s\nand embedded\n%s", strings.Join(user.Grants, "\n"), strings.Join(want, "\n"))
	}
	if user.Readonly != 1 || user.Profile != "dashboards" {
		t.Errorf("grafana may write: %+v", user)
	}
	compose, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`(?m)^ +` + user.Password.Env + `: \$\{`)
	if n := len(set.FindAll(compose, -1)); n != 2 {
		t.Errorf("compose.yaml gives %s to %d containers: ClickHouse and Grafana need it", user.Password.Env, n)
	}
}
