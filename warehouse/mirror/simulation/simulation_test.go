package simulation_test

import (
	"context"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/goleak"

	"clickstream/internal/simulation"
	"clickstream/warehouse/mirror"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var full = options{faults: allFaults, phases: 3, in: 9}

// Whatever is killed, cut off, slow, paused or lost, the tables end up right.
func TestM1M2_Simulation(t *testing.T) { simulation.Seeds(t, 20, run(full)) }

// Retention may leave nothing of a partition. With another leader then, nothing of
// it is lost but what was deleted.
func TestM6_AnEmptiedPartitionWithAnotherLeaderHasLostNothingMore(t *testing.T) {
	simulation.Seed(t, 1, run(options{faults: emptiedPartitions, phases: 2, in: 20}))
}

// A stop takes no longer than it may, whatever the brokers do.
func TestAStopIsBoundedWhileBrokersHang(t *testing.T) {
	simulation.Seeds(t, 20, run(options{faults: hangsAndStops, phases: 1, in: 30}))
}

// A run without faults stores each record once.
func TestM3_WithoutFaultsNothingIsStoredTwice(t *testing.T) {
	simulation.Seed(t, 1, func(t *testing.T, seed uint64) {
		t.Helper()
		w := simulate(t, seed, options{phases: 2})
		w.Report(t)
		for table := range schemas {
			seen := make(map[place]bool)
			for _, r := range w.server.all(table) {
				p := placeOf(table, r)
				if seen[p] {
					t.Errorf("table %s has two rows of %v", table, p)
				}
				seen[p] = true
			}
			if len(seen) == 0 {
				t.Errorf("table %s is empty", table)
			}
		}
	})
}

// What the simulation must notice, or its checks prove nothing.
func TestTheSimulationNotices(t *testing.T) {
	for name, o := range map[string]options{
		"insert errors that are ignored": {faults: tableFaults, phases: 1, in: 9, tablesOf: func(t mirror.Tables) mirror.Tables { return careless{t} }},
		"rows that are not synced":       {faults: powerCuts, phases: 1, in: 9, noFsync: true},
	} {
		t.Run(name, func(t *testing.T) {
			simulation.Seed(t, 1, func(t *testing.T, seed uint64) {
				t.Helper()
				if w := simulate(t, seed, o); len(w.Problems()) == 0 {
					t.Errorf("it has noticed nothing; %s", w.figures())
				}
			})
		})
	}
}

// careless are tables whose errors are lost.
type careless struct{ mirror.Tables }

func (c careless) Connect(ctx context.Context) (mirror.Connection, error) {
	conn, err := c.Tables.Connect(ctx)
	return carelessConnection{conn}, err
}

type carelessConnection struct{ mirror.Connection }

func (c carelessConnection) Insert(ctx context.Context, table string, blocks []proto.Input) error {
	_ = c.Connection.Insert(ctx, table, blocks) // which is the point
	return nil
}
