package instance

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/warehouse"
)

// A password that crosses a network unencrypted is somebody else's soon.
func TestPasswordsWithoutTLSDrawAWarning(t *testing.T) {
	var logged bytes.Buffer
	sasl := broker.SASL{Mechanism: "PLAIN", User: "u", Password: "hush"}
	for name, c := range map[string]struct {
		cfg  Config
		want int // warnings
	}{
		"other hosts": {Config{
			Kafka:      broker.Config{Brokers: []string{"kafka.test:9092"}, SASL: sasl},
			ClickHouse: warehouse.Config{Addr: []string{"clickhouse.test:9000"}, Password: "hush"},
		}, 2},
		"this machine": {Config{
			Kafka:      broker.Config{Brokers: []string{"localhost:9092"}, SASL: sasl},
			ClickHouse: warehouse.Config{Addr: []string{"127.0.0.1:9000", "[::1]:9000"}, Password: "hush"},
		}, 0},
		"TLS": {Config{
			Kafka:      broker.Config{Brokers: []string{"kafka.test:9092"}, SASL: sasl, TLS: broker.TLS{Enabled: true}},
			ClickHouse: warehouse.Config{Addr: []string{"clickhouse.test:9440"}, PasswordFile: "file", TLS: warehouse.TLS{Enabled: true}},
		}, 0},
		"no passwords": {Config{
			Kafka: broker.Config{Brokers: []string{"kafka.test:9092"}}, ClickHouse: warehouse.Config{Addr: []string{"clickhouse.test:9000"}},
		}, 0},
	} {
		logged.Reset()
		c.cfg.Log = zerolog.New(&logged)
		c.cfg.warnUnencrypted()
		if got := strings.Count(logged.String(), "without TLS"); got != c.want {
			t.Errorf("%s: %d warnings, want %d: %s", name, got, c.want, &logged)
		}
		if strings.Contains(logged.String(), "hush") {
			t.Errorf("%s: the password is in the log", name)
		}
	}
}

// Whoever can write in the folder could leave addresses of their own there, and
// be given passwords.
func TestAFolderThatOthersCanWriteIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	eng, err := Open(t.Context(), Config{Dir: dir, Sharing: StartAlone, BrokerOnly: true})
	if err == nil {
		t.Fatal(errors.Join(errors.New("it was opened"), eng.Close()))
	}
	if !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, instanceFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Describe(dir); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("its description: %v", err)
	}
}
