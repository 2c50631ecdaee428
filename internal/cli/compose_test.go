package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	yaml "go.yaml.in/yaml/v2"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// composeService is our service as compose.yaml describes it.
type composeService struct {
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
}

var composeVariable = regexp.MustCompile(`\$\{[A-Z_]+(?::[-?]([^}]*))?\}`)

// useComposedService sets the service's environment as compose.yaml has it: only
// where the engines are is another. It returns the service's command.
func useComposedService(t *testing.T, brokers broker.Config, end warehousetest.Endpoint) (command []string) {
	t.Helper()
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]composeService `yaml:"services"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	service, ok := file.Services["clickstream"]
	if !ok || len(service.Command) == 0 || len(service.Environment) == 0 {
		t.Fatalf("compose.yaml has no service clickstream with a command and an environment: %+v", service)
	}
	here := map[string]string{
		"CLICKSTREAM_KAFKA_BROKERS":       strings.Join(brokers.Brokers, ","),
		"CLICKSTREAM_CLICKHOUSE_ADDR":     end.Addr,
		"CLICKSTREAM_CLICKHOUSE_USER":     end.User,
		"CLICKSTREAM_CLICKHOUSE_PASSWORD": end.Password,
		"CLICKSTREAM_CLICKHOUSE_DATABASE": end.Database,
		"CLICKSTREAM_COLLECTOR_ADDR":      "127.0.0.1:0",
	}
	for name, value := range service.Environment {
		if own, ok := here[name]; ok {
			value = own
			delete(here, name)
		}
		t.Setenv(name, composeVariable.ReplaceAllStringFunc(value, func(v string) string {
			switch {
			case strings.HasPrefix(v, "${COLLECTOR_WRITE_KEY:?"):
				return "s3cret"
			case strings.HasSuffix(v, ":-}"):
				return ""
			case !strings.HasPrefix(v, "${CLICKSTREAM_TIMEZONE"):
				t.Errorf("the test knows no value for %s", v)
			}
			return "UTC"
		}))
	}
	if len(here) > 0 {
		t.Fatalf("the service does not set %v", here)
	}
	t.Setenv("CLICKSTREAM_KAFKA_TOPIC_PREFIX", brokers.TopicPrefix)
	t.Setenv("CLICKSTREAM_DATA_DIR", t.TempDir()) // the image works in a folder of its own
	return service.Command
}

// The service's command and environment, as compose.yaml has them, are run
// against a broker and a ClickHouse, and commands in its container beside it.
func TestTheComposedServiceRuns(t *testing.T) {
	brokers, end := brokertest.Config(t), warehousetest.Database(t)
	command := useComposedService(t, brokers, end)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	logs, logTo := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, command, strings.NewReader(""), io.Discard, logTo)
		logTo.Close()
	}()
	url := ""
	lines := bufio.NewScanner(logs)
	for url == "" && lines.Scan() {
		var line struct{ Message, URL string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("a log line that is not JSON: %s", lines.Text())
		}
		if line.Message == "the collector listens" {
			url = line.URL
		}
	}
	if url == "" {
		t.Fatalf("the service ended with status %d before it said where its collector is", <-ended)
	}
	drained := make(chan struct{})
	go func() { defer close(drained); _, _ = io.Copy(io.Discard, logs) }()

	waitReady(t, url)
	postWithWriteKey(t, url, "s3cret")
	w, err := warehouse.Open(t.Context(), end.Config(), brokers.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	testwait.Until(t, "the event is in the view events", func() bool {
		var n uint64
		err := w.Conn().QueryRow(t.Context(), "SELECT count() FROM events WHERE product_id = 'p1'").Scan(&n)
		return err == nil && n == 1
	})
	testwait.Until(t, "the health check is content", func() bool {
		status, out, _ := run(t, "status")
		return status == exitDone && strings.Contains(out, url)
	})
	for _, beside := range [][]string{{"alerts"}, {"verify"}, {"sql", "SELECT 1"}, {"jobs", "report"}} {
		if status, out, errOut := run(t, beside...); status != exitDone {
			t.Errorf("%v beside the service: status %d, %s%s", beside, status, out, errOut)
		}
	}
	stop()
	if status := <-ended; status != exitDone {
		t.Errorf("status %d after a stop", status)
	}
	<-drained
}

// postWithWriteKey sends an event without and with the key.
func postWithWriteKey(t *testing.T, url, key string) {
	t.Helper()
	body := `{"event_type":"view","product_id":"p1","session_id":"s1","timestamp":"` + time.Now().UTC().Format(time.RFC3339) + `"}`
	if refused, err := http.Post(url, "application/json", strings.NewReader(body)); err != nil {
		t.Fatal(err)
	} else if refused.Body.Close(); refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a write key the collector answered %s", refused.Status)
	}
	post, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	post.Header.Set("X-Write-Key", key)
	answer, err := http.DefaultClient.Do(post)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(got), `"accepted":1`) {
		t.Errorf("the collector answered %s: %s", answer.Status, got)
	}
}
