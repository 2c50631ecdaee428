// Command torture breaks a running pipeline for a while, and then compares what
// it has made of the log with a plain recount.
//
// It starts a real Apache Kafka and an embedded ClickHouse, each behind a proxy,
// and three instances of the binary that it builds, appends events all the time,
// and lets faults happen as a seed decides: instances, ClickHouse and Kafka are
// killed, stopped, paused and started again, connections are cut and delayed,
// answers are lost. A receiver of notices fails too. At the end everything works
// again, and every event must be in the tables once, with the columns of its
// first copy, and the receiver must have the notices of every episode.
//
//	go run ./internal/torture -for 2m -seed 7
//
// A seed decides which faults happen in which order to whom, and what events
// there are. What happens at the same moment differs from run to run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"clickstream/warehouse/embedded"
)

func main() {
	embedded.ChildMain()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

type settings struct {
	length time.Duration
	seed   uint64
	rate   int
	dir    string // new, and removed when all is right, where it is empty
}

func run(ctx context.Context) error {
	var s settings
	flag.DurationVar(&s.length, "for", 2*time.Minute, "how long faults happen")
	flag.Uint64Var(&s.seed, "seed", 0, "what decides the faults and the events (0: the time does)")
	flag.IntVar(&s.rate, "rate", 1000, "events a second")
	flag.StringVar(&s.dir, "dir", "", "a new folder for data and logs, which stays (default: a temporary one that stays when something is wrong)")
	flag.Parse()
	if flag.NArg() > 0 || s.length <= 0 || s.rate < 1 {
		return errors.New("it takes the flags -for, -seed, -rate and -dir, with positive values, and no arguments")
	}
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixMilli())
	}
	var err error
	keep := s.dir != ""
	if keep {
		err = os.Mkdir(s.dir, 0o700) // it is new: an old one holds another log
	} else {
		s.dir, err = os.MkdirTemp("", "clickstream-torture-")
	}
	if err != nil {
		return err
	}
	fmt.Printf("seed %d, faults for %s, %d events a second, in %s\n", s.seed, s.length, s.rate, s.dir)
	err = torture(ctx, s)
	if err == nil && !keep {
		return os.RemoveAll(s.dir)
	}
	if err != nil {
		fmt.Printf("repeat it with: go run ./internal/torture -for %s -seed %d -rate %d\nlogs and data are in %s\n", s.length, s.seed, s.rate, s.dir)
	}
	return err
}

// torture is one run, from the first start to the comparison.
func torture(ctx context.Context, s settings) (err error) {
	j := newJournal()
	shop, err := openShop(ctx, s, j)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.close()) }()
	if err := shop.startInstances(ctx); err != nil {
		return err
	}
	load, err := newLoad(s, shop.kafkaAddr)
	if err != nil {
		return err
	}
	defer load.close()

	breaking, stop := context.WithTimeout(ctx, s.length)
	defer stop()
	done := load.start(breaking)
	shop.breakThings(breaking, s.seed)
	<-done
	if err := ctx.Err(); err != nil {
		return err
	}
	j.say("no more faults and no more events: everything is healed")
	if err := shop.heal(ctx); err != nil {
		return err
	}
	if err := load.flush(ctx); err != nil {
		return err
	}
	return shop.judge(ctx, load)
}
