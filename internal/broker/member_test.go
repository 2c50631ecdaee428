package broker_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/testwait"
)

// A member that was paused while it joined comes back as another member, whose
// generation the group takes. What it was about to commit is of the partitions that
// it had before: another member may have read on in them.
func TestACommitThatHasWaitedForAJoinIsNotTakenOfAnotherMember(t *testing.T) {
	b, cfg := brokertest.Start(t, t.TempDir())
	ensure(t, cfg)
	topic := cfg.Topics().Events
	var group broker.Member
	cl := client(t, cfg, append(broker.ConsumerOptions(),
		kgo.ConsumerGroup(cfg.Group("mirror")), kgo.ConsumeTopics(topic),
		kgo.SessionTimeout(90*time.Second), kgo.HeartbeatInterval(60*time.Second), group.Assigned())...)
	assigned := func() bool {
		id, _ := cl.GroupMetadata()
		return id != "" && group.Still()(id)
	}
	testwait.Until(t, "it has partitions", assigned)
	was, _ := cl.GroupMetadata()
	if err := broker.CommitWithMetadata(deadline(t), cl.Client, topic, map[int32]broker.Commit{0: {Offset: 7}}, group.Still()); err != nil {
		t.Fatal(err)
	}

	joining, release := make(chan struct{}), make(chan struct{})
	b.Cluster().ControlKey(kmsg.JoinGroup.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		close(joining)
		b.Cluster().SleepControl(func() { <-release })
		answer := r.ResponseKind().(*kmsg.JoinGroupResponse)
		answer.ErrorCode = kerr.UnknownMemberID.Code
		return answer, nil, true
	})
	cl.ForceRebalance()
	<-joining
	commit := make(chan error)
	still := group.Still()
	go func() {
		commit <- broker.CommitWithMetadata(deadline(t), cl.Client, topic, map[int32]broker.Commit{0: {Offset: 5}}, still)
	}()
	expel(t, cfg, was)
	close(release)
	if err := <-commit; broker.Classify(err) != broker.Fenced {
		t.Errorf("the commit is answered with %v, which is %s", err, broker.Classify(err))
	}
	testwait.Until(t, "it has partitions again", func() bool {
		id, _ := cl.GroupMetadata()
		return id != was && assigned()
	})
	commits, err := cl.CommittedOffsets(deadline(t), cfg.Group("mirror"), topic)
	if err != nil || commits[0].Offset != 7 {
		t.Errorf("got commits %v, error %v, want the one of offset 7", commits, err)
	}
	if err := broker.CommitWithMetadata(deadline(t), cl.Client, topic, map[int32]broker.Commit{0: {Offset: 9}}, group.Still()); err != nil {
		t.Errorf("the new member cannot commit: %v", err)
	}
}
