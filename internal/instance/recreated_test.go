package instance

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
	"clickstream/warehouse"
	"clickstream/warehouse/warehousetest"
)

// The client never takes a topic of the same name for the one it knew. So
// whoever writes to the rejected topic lets the old one go.
func TestARejectedTopicThatIsDeletedAndCreatedAgainIsWrittenToAgain(t *testing.T) {
	at := brokertest.Config(t)
	tables := warehousetest.Database(t).Config()
	r, dir := serve(t, at, tables, "collector", "mirror")
	for _, role := range []string{"collector", "mirror"} {
		waitState(t, dir, role, Running)
	}
	wh, err := warehouse.Open(t.Context(), tables, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer wh.Close()
	defer http.DefaultClient.CloseIdleConnections()
	topics, adm := r.broker.Topics(), kadm.NewClient(r.broker.Client)
	// reject has the collector and the mirror each write to the rejected topic.
	reject := func() {
		sent := false
		testwait.Until(t, "the collector has rejected an event", func() bool {
			answer, err := http.Post(r.URL("collector"), "application/json", bytes.NewReader([]byte(`{"event_type":"view"}`)))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			return answer.StatusCode < 500
		})
		testwait.Until(t, "an invalid record is on the log", func() bool {
			if !sent {
				sent = produceInvalid(t, at, topics.Events)
			}
			return sent
		})
	}
	rows := func() (n uint64) {
		if err := wh.Conn().QueryRow(t.Context(), "SELECT count() FROM rejected_events").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	reject()
	testwait.Until(t, "both rejected events are stored", func() bool { return rows() >= 2 })
	before := rows()

	if _, err := adm.DeleteTopic(t.Context(), topics.Rejected); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.CreateTopic(t.Context(), 3, -1, nil, topics.Rejected); err != nil {
		t.Fatal(err)
	}
	reject()
	testwait.Until(t, "those rejected after that are stored", func() bool { return rows() >= before+2 })
}

func produceInvalid(t *testing.T, at broker.Config, topic string) bool {
	t.Helper()
	cl, err := broker.Open(at, broker.ProducerOptions()...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	record := &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("{" + time.Now().String())}
	return cl.ProduceSync(t.Context(), record).FirstErr() == nil
}
