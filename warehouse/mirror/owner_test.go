package mirror

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// To leave such records out would lose them: a later record of the partition
// would move the offset over them.
func TestM1_RecordsOfAPartitionThatIsNotAssignedAreAnError(t *testing.T) {
	r := &run{owned: map[topicPartition]*ownership{{"log", 2}: {}}}
	record := &kgo.Record{Topic: "log", Partition: 3, Offset: 17}
	_, err := r.claim(kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: "log", Partitions: []kgo.FetchPartition{{Partition: 3, Records: []*kgo.Record{record}}}}}}})
	if err == nil || !strings.Contains(err.Error(), "log-3") || !strings.Contains(err.Error(), "17") {
		t.Errorf("got %v, want an error that names the records", err)
	}
}

// Its next owner reads them: what is stored here after the last commit is stored
// twice.
func TestM3_NothingMoreIsReadOfAPartitionThatIsRevoked(t *testing.T) {
	tp := topicPartition{"log", 3}
	r := &run{Mirror: &Mirror{cfg: Config{BatchRows: 10}}, owned: map[topicPartition]*ownership{tp: {}}, free: []*batch{newBatch()}}
	c := chunk{tp, r.owned[tp], []*kgo.Record{{Topic: "log", Partition: 3, Offset: 17}}}
	r.newest(map[string][]int32{"log": {3}})
	if n := r.fill(&scratch{}, c); n != -1 {
		t.Errorf("fill returns %d, want -1: the partition is given up", n)
	}
}
