package processor

import (
	"fmt"
	"testing"

	"clickstream/internal/broker"
	"clickstream/internal/broker/brokertest"
	"clickstream/internal/event"
	"clickstream/internal/testwait"
)

func TestAPartitionOfTheLogWithoutALeaderHoldsUpNoOther(t *testing.T) {
	s, b, _ := outageShop(t)
	leaderless := event.Partition("p", broker.DefaultPartitions)
	produceNow(s, "p")
	elect := brokertest.Leaderless(t, b, s.Broker, s.ID.Topic, leaderless)
	p := start(s, smallRule, nil)
	for i, n := 0, 0; n < 3; i++ {
		name := fmt.Sprint("other", i)
		if event.Partition(name, broker.DefaultPartitions) == leaderless {
			continue
		}
		produceNow(s, name)
		testwait.Until(t, "the alert of "+name+" is emitted", func() bool { return len(alertsOf(s, name)) > 0 })
		n++
	}
	testwait.Until(t, "the other partitions answer where they end", func() bool { return p.Stats().Lag == 0 })
	elect()
	testwait.Until(t, "its alert is emitted too", func() bool { return len(alertsOf(s, "p")) > 0 })
	p.close()
	check(s, smallRule)
}
