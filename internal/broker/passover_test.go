package broker_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
)

// damagedLog has three batches in partition 0, of the offsets 0, 1 to 3, and 4,
// of which the one in the middle cannot be read.
func damagedLog(t *testing.T, checksumRight bool) (broker.Config, string) {
	t.Helper()
	dir := t.TempDir()
	_, cfg := brokertest.Start(t, dir)
	ensure(t, cfg)
	topic := cfg.Topics().Events
	cl := client(t, cfg, append(broker.ProducerOptions(), kgo.ProducerLinger(50*time.Millisecond))...)
	long := strings.Repeat("long enough to be compressed ", 100)
	for _, n := range []int{1, 3, 1} {
		var records []*kgo.Record
		for range n {
			records = append(records, &kgo.Record{Topic: topic, Value: []byte(long)})
		}
		if err := cl.ProduceSync(deadline(t), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if first, next := brokertest.Damage(t, dir, topic, 0, 2, checksumRight); first != 1 || next != 4 {
		t.Fatalf("the batch holds %d to %d", first, next)
	}
	return cfg, topic
}

func TestM6_ABatchThatCannotBeReadIsNamedWithTheWayOutAndPassedOverAlone(t *testing.T) {
	for what, checksumRight := range map[string]bool{"a wrong checksum": false, "records that cannot be decompressed": true} {
		cfg, topic := damagedLog(t, checksumRight)
		read := func() (got []int64, err error) {
			err = client(t, cfg).ReadLog(deadline(t), topic, nil, broker.Offsets{0: 5}, func(r *kgo.Record) error {
				got = append(got, r.Offset)
				return nil
			})
			return got, err
		}
		_, err := read()
		for _, want := range []string{topic + "-0: the batch of the offsets 1 to 3 is damaged", "--kafka-pass-over=" + topic + "/0/1-3,", "another replica"} {
			if err == nil || broker.Classify(err) != broker.Fatal || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", what, err, want)
			}
		}
		for named, want := range map[string][]int64{
			topic + "/0/1-3": {0, 4},
			topic + "/0/0-4": {0},
			topic + "/0/2-3": nil, // not what the error names
			topic + "/1/1-3": nil,
			"other/0/1-3":    nil,
		} {
			var r broker.OffsetRange
			if err := r.UnmarshalText([]byte(named)); err != nil || r.String() != named {
				t.Fatalf("%s is read as %s, %v", named, r, err)
			}
			cfg.PassOver = []broker.OffsetRange{r}
			if got, err := read(); (err == nil) != (want != nil) || err == nil && !slices.Equal(got, want) {
				t.Errorf("%s, passing over %s: read %v, %v; want %v", what, named, got, err, want)
			}
		}
	}
}

func TestAnErrorThatIsNotOfABatchIsNotReportedAsOne(t *testing.T) {
	cl := client(t, brokertest.Config(t))
	for _, other := range []error{kerr.TopicAuthorizationFailed, kerr.UnknownTopicID, &kgo.ErrDataLoss{}, io.EOF} {
		if err := cl.ReadError(t.Context(), "log", 3, 7, other); !errors.Is(err, other) || strings.Contains(err.Error(), "damaged") || broker.Unreadable(other) {
			t.Errorf("%v is reported as %v", other, err)
		}
	}
	// A batch that is not found any more.
	damaged := errors.New("encoded crc 1 does not match calculated crc 2")
	if err := cl.ReadError(t.Context(), "log", 3, 7, damaged); !errors.Is(err, damaged) || broker.Classify(err) != broker.Fatal ||
		!strings.Contains(err.Error(), "log-3: the batch of offset 7 or one soon after it is damaged: encoded crc") {
		t.Errorf("got %v", err)
	}
}

func TestAWrongOffsetRangeIsRefusedWithAnExample(t *testing.T) {
	for _, text := range []string{"", "log", "log/1", "log/1/5", "log/1/5-", "log/1/5-4", "log/-1/5-6", "/1/5-6", "log/x/5-6", "log/1/5-6-7"} {
		var r broker.OffsetRange
		if err := r.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q: write them as TOPIC/PARTITION/FIRST-LAST, such as ", text)) {
			t.Errorf("%q: %v, %+v", text, err, r)
		}
	}
}
