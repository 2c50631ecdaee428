package grafana

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
	"clickstream/warehouse/warehousetest/visible"
)

func TestMain(m *testing.M) {
	embedded.ChildMain()
	goleak.VerifyTestMain(m)
}

//go:embed testdata/shop.sql
var shopRows string

// The time that the tests' dashboard shows, and its steps.
var (
	shownFrom = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	shownTo   = shownFrom.Add(30 * time.Minute)
)

const shownStep = time.Minute

const database = "clickstream" // the one whose views the user grafana may read

// reader asks ClickHouse over HTTP as one of its users.
type reader struct{ url, user, password string }

// openShop fills an engine of its own with testdata/shop.sql and returns a
// reader who is the user grafana: only an embedded engine has that user, with
// the very rights that dashboards have.
func openShop(t *testing.T) reader {
	t.Helper()
	ctx := t.Context()
	server, err := embedded.Start(ctx, embedded.Options{Dir: t.TempDir(), Progress: embedded.ProgressLines(visible.Writer())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	address := "http://" + server.HTTPAddr() + "/"
	// Over HTTP: the engine does not survive a native connection to a database
	// that is not there.
	owner := reader{address, embedded.User, server.Credentials().Password}
	if _, err := owner.ask(ctx, "CREATE DATABASE "+database, nil); err != nil {
		t.Fatal(err)
	}
	store, err := warehouse.Open(ctx, warehouse.Config{
		Addr: []string{server.TCPAddr()}, Database: database, User: owner.user, Password: owner.password,
	}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(shopRows, ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if err := store.Conn().Exec(ctx, statement); err != nil {
			t.Fatalf("%v:\n%s", err, statement)
		}
	}
	return reader{address, embedded.GrafanaUser, server.Credentials().GrafanaPassword}
}

// ask posts a query with URL parameters and returns the answer's text.
func (r reader) ask(ctx context.Context, sql string, parameters map[string]string) (string, error) {
	query := url.Values{"user": {r.user}, "password": {r.password}}
	for name, value := range parameters {
		query.Set(name, value)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"?"+query.Encode(), strings.NewReader(sql))
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	return string(body), err
}

// columns is an answer in the form that the /dashboard page reads.
type columns struct {
	Meta []struct{ Name, Type string }
	Data map[string][]any
	Rows int
}

func (r reader) columns(ctx context.Context, sql string, parameters map[string]string) (c columns, err error) {
	text, err := r.ask(ctx, sql, parameters)
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	return c, err
}
