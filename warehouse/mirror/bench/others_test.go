package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clickstream/warehouse"
)

// kafkaEngine lets ClickHouse read by itself, with two consumers.
func kafkaEngine(b *testing.B, _ *suite, t *tables) {
	b.Helper()
	words := map[string]string{
		"Brokers": strings.Join(t.log.Config().Brokers, ","), "Topic": t.log.Topics().Events,
		"Group": fmt.Sprintf("bench-%d", time.Now().UnixNano()),
	}
	for _, name := range []string{"kafka_engine", "kafka_view"} {
		t.exec(b, warehouse.SQL(files, name, words))
	}
	for t.number(b, "SELECT count() FROM event_log") < float64(t.n) {
		time.Sleep(50 * time.Millisecond)
	}
	b.StopTimer()
	for _, table := range []string{"kafka_view", "kafka_engine"} {
		t.exec(b, "DROP TABLE "+table+" SYNC")
	}
}

// insertSelect copies the rows of a table that bareCurrent has filled.
func insertSelect(b *testing.B, s *suite, t *tables) {
	b.Helper()
	b.StopTimer()
	from := newTables(b, s.server, t.cfg.Database+"_from")
	defer from.drop(b)
	from.log, from.n = t.log, t.n
	bareCurrent(b, s, from)
	t.engine.ForgetPeak()
	t.begun = t.engine.CPU()
	b.StartTimer()
	err := t.Conn().Exec(b.Context(), "INSERT INTO event_log SELECT * FROM "+from.cfg.Database+".event_log")
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	t.report(b)
}
