package broker_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
)

func TestMembersAreThoseThatLive(t *testing.T) {
	cl := brokertest.Open(t)
	if _, err := cl.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	group := cl.Group("mirror")
	count := func(want int) {
		t.Helper()
		members, err := cl.Members(t.Context(), group, cl.Group("processor"))
		if err != nil {
			t.Fatal(err)
		}
		if members[group] != want || members[cl.Group("processor")] != 0 {
			t.Errorf("%v, want %d in %s", members, want, group)
		}
	}
	count(0)
	joined := make(chan struct{}, 100)
	member, err := cl.Open(append(broker.ConsumerOptions(), kgo.ConsumerGroup(group), kgo.ConsumeTopics(cl.Topics().Events),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { joined <- struct{}{} }))...)
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	<-joined
	count(1)
	if err := member.LeaveGroupContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	count(0)
}
