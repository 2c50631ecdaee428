package simulation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"clickstream/internal/simulation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever is killed, cut off, paused or stopped, and whatever rules are put in
// force meanwhile, the alerts are those of the log.
func TestW1toW9_Simulation(t *testing.T) {
	simulation.Seeds(t, 20, func(t *testing.T, seed uint64) {
		t.Helper()
		w := simulate(t, seed, options{phases: 2, faults: 9})
		w.Report(t)
		t.Log(w.figures())
	})
}

// Whatever befalls instances, brokers and receivers, each receiver gets the first
// firing and the end of each episode, or the ledger says why not.
func TestN1_Simulation(t *testing.T) {
	simulation.Seeds(t, 20, func(t *testing.T, seed uint64) {
		t.Helper()
		w := simulate(t, seed, options{phases: 2, faults: 14, notify: true})
		w.Report(t)
		t.Log(w.figures())
	})
}

// Alerts whose write has timed out are written once the broker answers again.
func TestAlertsWhoseWriteTimedOutAreWrittenAgain(t *testing.T) {
	simulation.Seed(t, 1, func(t *testing.T, seed uint64) {
		t.Helper()
		w := newWorld(t, seed, options{})
		defer w.end()
		w.instances.Start()
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, stop)
		noLeader := w.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: w.observer.Topics().Alerts, Err: kerr.NotLeaderForPartition, Count: -1,
		})
		time.AfterFunc(30*time.Second, noLeader.Remove)
		w.load.run(ctx)
		w.waitQuiet()
		w.check(t.Context())
		w.Report(t)
		if !strings.Contains(w.Happened(), "could not write alerts") || w.final == 0 {
			t.Errorf("no write has timed out; %s", w.figures())
		}
	})
}

// What the simulation must notice, or its checks prove nothing.
func TestTheSimulationNoticesWindowsThatAnotherSetJudged(t *testing.T) {
	simulation.Seed(t, 1, func(t *testing.T, seed uint64) {
		t.Helper()
		if w := simulate(t, seed, options{phases: 1, faults: 4, oneSet: true}); len(w.Problems()) == 0 {
			t.Errorf("it has noticed nothing; %s", w.figures())
		}
	})
}
