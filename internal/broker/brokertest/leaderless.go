package brokertest

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/embedded"
)

// Leaderless has the broker say that a partition has no leader, to whoever asks
// from now on, until elect is called.
func Leaderless(t testing.TB, b *embedded.Broker, cl *broker.Client, topic string, partition int32) (elect func()) {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	all, err := req.RequestWith(t.Context(), cl.Client)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all.Topics {
		if *all.Topics[i].Topic != topic {
			continue
		}
		for j := range all.Topics[i].Partitions {
			if p := &all.Topics[i].Partitions[j]; p.Partition == partition {
				p.Leader, p.ErrorCode = -1, kerr.LeaderNotAvailable.Code
			}
		}
	}
	elected := make(chan struct{})
	b.Cluster().ControlKey(kmsg.Metadata.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-elected:
			return nil, nil, false
		default:
		}
		b.Cluster().KeepControl()
		asked := r.(*kmsg.MetadataRequest)
		answer := asked.ResponseKind().(*kmsg.MetadataResponse)
		answer.Brokers, answer.ClusterID, answer.ControllerID = all.Brokers, all.ClusterID, all.ControllerID
		for _, t := range all.Topics {
			if asked.Topics == nil || slices.ContainsFunc(asked.Topics, func(a kmsg.MetadataRequestTopic) bool {
				return a.Topic != nil && *a.Topic == *t.Topic || a.Topic == nil && a.TopicID == t.TopicID
			}) {
				answer.Topics = append(answer.Topics, t)
			}
		}
		return answer, nil, true
	})
	return func() { close(elected) }
}
