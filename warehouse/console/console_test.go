package console

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"clickstream/internal/testwait"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/warehousetest"
	"clickstream/warehouse/warehousetest/visible"
)

func TestMain(m *testing.M) { os.Exit(warehousetest.Main(m)) }

// running opens and runs a console for the time of the test.
func running(t *testing.T, o Options) *Console {
	t.Helper()
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	testwait.Run(t, c.Run)
	return c
}

type request struct {
	method, path, body, host string
	header                   http.Header
}

func (c *Console) send(t *testing.T, q request) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), q.method, c.origin+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, q.header)
	if q.host != "" {
		r.Host = q.host
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, strings.TrimSpace(string(text))
}

// onClickHouse is a console on an engine that has one view to read, with the
// number 42 in it.
func onClickHouse(t *testing.T) (*Console, *embedded.Server) {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir(), Progress: embedded.ProgressLines(visible.Writer())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill(); s.Close() })
	for _, sql := range []string{
		"CREATE DATABASE clickstream",
		"CREATE TABLE clickstream.event_log (id UInt64) ENGINE = MergeTree ORDER BY id",
		"INSERT INTO clickstream.event_log VALUES (42)",
		"CREATE VIEW clickstream.events DEFINER = CURRENT_USER SQL SECURITY DEFINER AS SELECT id FROM clickstream.event_log",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.HTTPAddr()+"/", strings.NewReader(sql))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(embedded.User, s.Credentials().Password)
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", sql, answer.Status)
		}
	}
	return running(t, Options{
		ClickHouseHTTP: s.HTTPAddr(), User: embedded.GrafanaUser, Password: s.Credentials().GrafanaPassword, Database: "clickstream",
	}), s
}

func TestTheTokenOpensThePagesWithoutAPassword(t *testing.T) {
	c, _ := onClickHouse(t)
	for page, sign := range map[string]string{
		strings.TrimPrefix(c.PlayURL(), c.origin): "id=\"url\"",
		"/" + c.token + "/dashboard":              "uplot.js",
		"/js/uplot.js":                            "uPlot",
		"/js/lz-string.js":                        "LZString",
	} {
		status, header, body := c.send(t, request{method: "GET", path: page})
		if status != http.StatusOK || !strings.Contains(body, sign) {
			t.Errorf("%s: status %d, %d bytes, want a page with %s", page, status, len(body), sign)
		}
		if header.Get("Referrer-Policy") != "no-referrer" || header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: the address may leak or be framed: %v", page, header)
		}
	}

	// The queries as the pages of 26.7 send them.
	play := "/" + c.token + "/?add_http_cors_header=1&default_format=JSONCompact&enable_http_compression=1&use_query_cache=1&extremes=1&param_n=1"
	dashboard := "/" + c.token + "/?default_format=TSV&enable_http_compression=1&add_http_cors_header=1&param_n=1"
	for _, path := range []string{play, dashboard} {
		status, header, body := c.send(t, request{
			method: "POST", path: path, body: "SELECT id + {n:UInt8} FROM events",
			header: http.Header{"Authorization": {"never"}, "Origin": {c.origin}},
		})
		if status != http.StatusOK || !strings.Contains(body, "43") {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
		for name := range header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: pages elsewhere are let in by %s", path, name)
			}
		}
	}
	if status, _, body := c.send(t, request{method: "GET", path: "/" + c.token + "/?query=SELECT+currentUser()"}); status != http.StatusOK || body != "grafana" {
		t.Errorf("by GET: status %d: %s", status, body)
	}
	if status, _, _ := c.send(t, request{method: "OPTIONS", path: "/?query"}); status != http.StatusNoContent {
		t.Errorf("the sign of life that /play looks for: status %d", status)
	}
	local := strings.Replace(strings.TrimPrefix(c.origin, "http://"), "127.0.0.1", "localhost", 1)
	if status, _, _ := c.send(t, request{method: "GET", path: "/" + c.token + "/play", host: local}); status != http.StatusOK {
		t.Errorf("as localhost: status %d", status)
	}
}

func TestNothingWorksWithoutTheTokenOrUnderAnotherName(t *testing.T) {
	c, _ := onClickHouse(t)
	host := strings.TrimPrefix(c.origin, "http://")
	_, port, _ := strings.Cut(host, ":")
	wrong := strings.Repeat("0", len(c.token))
	for name, q := range map[string]request{
		"no token":                 {method: "POST", path: "/", body: "SELECT 1"},
		"no token, by GET":         {method: "GET", path: "/?query=SELECT+1"},
		"no token, page":           {method: "GET", path: "/play"},
		"wrong token":              {method: "POST", path: "/" + wrong + "/", body: "SELECT 1"},
		"wrong token, page":        {method: "GET", path: "/" + wrong + "/dashboard"},
		"half a token":             {method: "GET", path: "/" + c.token[:16] + "/play"},
		"token and more":           {method: "GET", path: "/" + c.token + "0/play"},
		"token as a parameter":     {method: "GET", path: "/play?token=" + c.token},
		"a page elsewhere":         {method: "GET", path: "/" + c.token + "/play", host: "evil.example:" + port},
		"a name without the port":  {method: "GET", path: "/" + c.token + "/play", host: "127.0.0.1"},
		"a name with another port": {method: "POST", path: "/" + c.token + "/", body: "SELECT 1", host: "localhost:1"},
		"a page not promised":      {method: "GET", path: "/" + c.token + "/replicas_status"},
		"a way up":                 {method: "GET", path: "/" + c.token + "/play/../docs"},
		"a script that is none":    {method: "GET", path: "/js/../play"},
		"another method":           {method: "PUT", path: "/" + c.token + "/", body: "SELECT 1"},
		"nothing asked":            {method: "GET", path: "/" + c.token + "/"},
	} {
		if status, _, body := c.send(t, q); status != http.StatusNotFound && status != http.StatusForbidden {
			t.Errorf("%s: status %d: %.100s", name, status, body)
		}
	}
}

func TestQueriesCannotWriteOrBeSomebodyElse(t *testing.T) {
	c, s := onClickHouse(t)
	root := "/" + c.token + "/"
	for _, sql := range []string{
		"INSERT INTO event_log VALUES (1)",
		"INSERT INTO events VALUES (1)",
		"CREATE TABLE t (a UInt8) ENGINE = Memory",
		"DROP VIEW events",
		"SELECT id FROM event_log",
		"SELECT 1 SETTINGS readonly = 0",
		"SET readonly = 0",
		"KILL QUERY WHERE 1",
		"SYSTEM STOP LISTEN HTTP",
		"SELECT * FROM file('/etc/hosts', 'LineAsString')",
	} {
		if status, _, body := c.send(t, request{method: "POST", path: root, body: sql}); status == http.StatusOK {
			t.Errorf("%s was run: %s", sql, body)
		}
	}

	owner := url.Values{"user": {embedded.User}, "password": {s.Credentials().Password}, "default_format": {"TSV"}, "role": {"x"}, "session_id": {"x"}, "readonly": {"0"}}
	status, _, body := c.send(t, request{
		method: "POST", path: root + "?" + owner.Encode(), body: "SELECT currentUser(), getSetting('readonly')",
		header: http.Header{
			"X-Clickhouse-User": {embedded.User}, "X-Clickhouse-Key": {s.Credentials().Password},
			"Content-Type": {"multipart/form-data; boundary=x"},
		},
	})
	if status != http.StatusOK || body != "grafana\t1" {
		t.Errorf("with the owner's credentials in the query and in headers: status %d: %s, want to stay grafana", status, body)
	}

	// A user that may write does not get to write by this way either.
	writer := running(t, Options{ClickHouseHTTP: s.HTTPAddr(), User: embedded.User, Password: s.Credentials().Password, Database: "clickstream"})
	if status, _, body := writer.send(t, request{method: "POST", path: "/" + writer.token + "/", body: "INSERT INTO event_log VALUES (1)"}); status == http.StatusOK {
		t.Errorf("a writer's console wrote: %s", body)
	}
}

func TestOnlyPagesAndQueriesReachClickHouse(t *testing.T) {
	var seen []string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		seen = append(seen, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("X-ClickHouse-User")+user+r.Header.Get("Cookie"))
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}))
	defer backend.Close()
	c := running(t, Options{ClickHouseHTTP: backend.URL, User: "reader", Password: "p"})
	sent := http.Header{"Authorization": {"Basic d3JpdGVyOnB3"}, "Cookie": {"a=b"}}
	c.send(t, request{method: "GET", path: "/js/uplot.js?user=writer", header: sent})
	c.send(t, request{method: "GET", path: "/" + c.token + "/dashboard?user=writer", header: sent})
	c.send(t, request{method: "GET", path: "/" + c.token + "/docs", header: sent})
	_, header, _ := c.send(t, request{method: "POST", path: "/" + c.token + "/?user=writer&max_threads=1&param_a=b&database=d", header: sent})
	want := []string{"GET /js/uplot.js ", "GET /dashboard ", "POST /?database=d&param_a=b&readonly=1 reader"}
	if strings.Join(seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("ClickHouse was asked\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
	if header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("pages elsewhere are let in")
	}
}

func TestTheDashboardAddressCarriesItsCharts(t *testing.T) {
	c, err := Open(t.Context(), Options{ClickHouseHTTP: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	address := c.DashboardURL([]Chart{{Title: "Käufe 🛒", SQL: "SELECT 1 AS t, 2"}}, map[string]string{"rounding": "60"})
	_, hash, _ := strings.Cut(address, "#")
	text, err := base64.StdEncoding.DecodeString(hash)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range text {
		if b > 127 {
			t.Fatalf("the page would misread %q", text)
		}
	}
	var state struct {
		Host    string
		Queries []struct{ Title, Query string }
		Params  map[string]string
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	if state.Host != c.root() || state.Params["seconds"] != "900" || state.Params["rounding"] != "60" ||
		len(state.Queries) != 1 || state.Queries[0].Title != "Käufe 🛒" {
		t.Errorf("got %+v", state)
	}
	if !strings.HasPrefix(string(text), `{"`) {
		// The page tells this encoding from its other one by how it begins.
		t.Errorf("the state begins %.10q", text)
	}
}

func TestAShortAddressLeadsToALongOne(t *testing.T) {
	c, err := Open(t.Context(), Options{ClickHouseHTTP: "127.0.0.1:1", User: "grafana"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	long := c.DashboardURL([]Chart{{Title: "x", SQL: "SELECT 1 AS t, 2"}}, nil)
	short := c.Shorten("live", long)
	for address, want := range map[string]int{
		short: http.StatusFound,
		strings.Replace(short, c.token, strings.Repeat("0", 32), 1): http.StatusNotFound,
	} {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		w := httptest.NewRecorder()
		c.server.Handler.ServeHTTP(w, r)
		if w.Code != want || want == http.StatusFound && w.Header().Get("Location") != long {
			t.Errorf("%s: %d, to %q", address, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestAnUnreachableClickHouseIsSaid(t *testing.T) {
	backend := httptest.NewServer(http.NotFoundHandler())
	address := backend.URL
	backend.Close()
	c := running(t, Options{ClickHouseHTTP: address})
	if status, _, body := c.send(t, request{method: "GET", path: "/" + c.token + "/play"}); status != http.StatusBadGateway || body != "ClickHouse is unreachable" {
		t.Errorf("status %d: %s", status, body)
	}
	if _, err := Open(t.Context(), Options{ClickHouseHTTP: "ftp://x"}); err == nil {
		t.Error("an address that is not of HTTP was taken")
	}
}
