package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"clickstream/internal/torture/recount"
	"clickstream/warehouse/embedded"
)

//go:embed sql/events.sql
var eventsSQL string

//go:embed sql/rejected.sql
var rejectedSQL string

//go:embed sql/alerts.sql
var alertsSQL string

//go:embed sql/physical_duplicates.sql
var physicalSQL string

// tables reads the views over HTTP, without the proxy.
type tables struct {
	ctx    context.Context
	server *embedded.Server
}

func (t tables) Events(row func(recount.Event)) error      { return each(t, eventsSQL, row) }
func (t tables) Rejected(row func(recount.Rejected)) error { return each(t, rejectedSQL, row) }
func (t tables) Alerts(row func(recount.Alert)) error      { return each(t, alertsSQL, row) }

// physicalDuplicates is how often event_log holds a record another time now.
func (t tables) physicalDuplicates() (int64, error) {
	body, err := t.query(physicalSQL)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

func each[R any](t tables, sql string, row func(R)) error {
	body, err := t.query(sql)
	if err != nil {
		return err
	}
	defer body.Close()
	for rows := json.NewDecoder(body); ; {
		var r R
		if err := rows.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		row(r)
	}
}

func (t tables) query(sql string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(t.ctx, http.MethodPost, "http://"+t.server.HTTPAddr()+"/", strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-ClickHouse-User", embedded.User)
	r.Header.Set("X-ClickHouse-Key", t.server.Credentials().Password)
	r.Header.Set("X-ClickHouse-Database", "clickstream")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<12))
		return nil, fmt.Errorf("ClickHouse answers %s: %s", answer.Status, text)
	}
	return answer.Body, nil
}
