package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/ingest"
	"clickstream/ingest/shop"
	"clickstream/internal/event"
	"clickstream/internal/instance"
)

type ingestCmd struct {
	File     ingestFileCmd     `cmd:"" help:"Import files."`
	Inspect  ingestInspectCmd  `cmd:"" help:"Say what files hold, without importing them."`
	Generate ingestGenerateCmd `cmd:"" help:"Generate a shop's traffic, with a flash sale in it."`
}

type ingestFileCmd struct {
	fileFlags
	orderFlags
	Lateness time.Duration `default:"1m" placeholder:"DURATION" help:"The lateness of the alerts' rule: files that are out of order by more are sorted (${default})."`
	folderFlags
	engineFlags
}

func (ingestFileCmd) Help() string {
	return `Invalid rows are counted and kept in the view rejected_events; they never stop the import. Importing a file
again adds nothing. With no instance running in the folder, the events are also stored in the tables before
the command ends; alerts are found by the next serve or demo.

Examples:
  clickstream ingest file 2019-Oct.csv.gz
  clickstream ingest file --format native - < clicks.jsonl

` + formatsHelp()
}

func (c *ingestFileCmd) Run(ctx context.Context, t *terminal) error {
	s := t.status()
	defer s.clear()
	if err := c.engineFlags.check(); err != nil {
		return err
	}
	files, err := c.open(ctx, t, s, c.orderFlags, c.Lateness)
	if err != nil {
		return err
	}
	defer files.Close()
	var report ingest.Report
	err = useOrStartInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) (err error) {
		if report, err = runImport(ctx, t, s, p, files); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "%s rows read: %s accepted, %s rejected; %s/s\n", count(report.Read), count(report.Accepted), count(report.Rejected),
			count(int64(float64(report.Read)/max(report.Elapsed.Seconds(), 1e-3))))
		sorted(t.out, report)
		if report.Accepted > 0 {
			set, err := rulesInForce(ctx, p)
			if err != nil {
				return err
			}
			a, known, err := added(ctx, s, p, report, set)
			if err != nil {
				return err
			}
			printAdded(t.out, report, a, known)
		}
		if report.Rejected > 0 {
			printRejections(t.out, report.Rejections)
			fmt.Fprintf(t.out, "All of them: %s sql \"SELECT origin, origin_position, reason, message, value FROM rejected_events\"\n", self())
		}
		return nil
	})
	return errors.Join(err, damage(report))
}

type ingestGenerateCmd struct {
	Count    int64         `placeholder:"N" help:"Stop after so many events (default: run until stopped, in real time)."`
	From     time.Time     `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"Time of the first event (default: now)."`
	To       time.Time     `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"Stop before this time."`
	Rate     float64       `default:"20" help:"Events a second of the shop's time, about (${default})."`
	Products int           `default:"600" help:"Products in the catalogue (${default})."`
	Users    int           `default:"5000" help:"Users (${default})."`
	Seed     uint64        `placeholder:"N" help:"The same seed makes the same traffic (default: another one each time)."`
	Sale     bool          `negatable:"" default:"true" help:"Put one product into a flash sale."`
	SaleAt   time.Duration `default:"1m" help:"When the sale starts, after the first event (${default})."`
	Stdout   bool          `help:"Write JSON lines to standard output, not to the log."`
	folderFlags
	engineFlags
}

func (ingestGenerateCmd) Help() string {
	return `With --count or --to events are written as fast as possible; without them, in real time.

Examples:
  clickstream ingest generate --rate 50
  clickstream ingest generate --count 2000000 --from 2026-11-01T00:00:00Z --rate 500 --stdout > clicks.jsonl`
}

func (c *ingestGenerateCmd) Run(ctx context.Context, t *terminal) error {
	opts := shop.Options{
		Seed: c.Seed, Start: c.From, Rate: c.Rate, Products: c.Products, Users: c.Users, NoSale: !c.Sale, SaleAt: c.SaleAt,
	}
	if opts.Start.IsZero() {
		opts.Start = time.Now()
	}
	if opts.Seed == 0 {
		opts.Seed = uint64(time.Now().UnixNano())
	}
	g, err := shop.New(opts)
	if err != nil {
		return usageError{err}
	}
	if c.Count < 0 || c.Rate <= 0 {
		return usagef("count is %d and rate is %g: give 1 or more events, and a rate above 0", c.Count, c.Rate)
	}
	if !c.To.IsZero() && !c.To.After(opts.Start) {
		return usagef("to is %s, not after the first event at %s", c.To.Format(time.RFC3339), opts.Start.Format(time.RFC3339))
	}
	if c.Stdout {
		if c.Count == 0 && c.To.IsZero() {
			return usagef("with --stdout give --count or --to too: the output has to end")
		}
		return c.print(ctx, t, g)
	}
	return useOrStartInstance(ctx, t, &c.engineFlags, c.folderFlags, func(ctx context.Context, p *instance.Pipeline) error {
		return c.append(ctx, t, p, g)
	})
}

func (c *ingestGenerateCmd) print(ctx context.Context, t *terminal, g *shop.Generator) error {
	out := bufio.NewWriterSize(t.out, 1<<16)
	var line []byte
	_, err := g.Write(ctx, c.Count, c.To, func(e *event.Event) error {
		line = append(e.AppendJSON(line[:0]), '\n')
		_, err := out.Write(line)
		return err
	})
	return errors.Join(err, out.Flush())
}

func (c *ingestGenerateCmd) append(ctx context.Context, t *terminal, p *instance.Pipeline, g *shop.Generator) (err error) {
	var opts []kgo.Opt
	if !c.paced() {
		opts = append(opts, ingest.Bulk())
	}
	producer, err := ingest.NewProducer(ctx, p.Broker, p.Log, opts...)
	if err != nil {
		return err
	}
	defer producer.Close()
	s := t.status()
	defer s.clear()
	if !c.paced() {
		var n int64
		n, err = g.Write(ctx, c.Count, c.To, func(e *event.Event) error {
			if n++; n%4096 == 0 {
				s.set("generating %s  %s events", bar(n, c.Count), count(n))
			}
			return producer.Append(ctx, e)
		})
		err = errors.Join(err, producer.Flush(context.WithoutCancel(ctx)))
		s.clear()
		fmt.Fprintf(t.out, "%s events generated\n", count(n))
		return err
	}
	t.say("generating about %g events/s; the product in the flash sale is %s; Ctrl-C stops", c.Rate, g.SaleProduct())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, producer) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.set("%s events", count(g.Appended()))
		case err := <-ended:
			s.clear()
			fmt.Fprintf(t.out, "%s events generated\n", count(g.Appended()))
			return err
		}
	}
}

// paced says whether events are generated in real time.
func (c *ingestGenerateCmd) paced() bool { return c.Count == 0 && c.To.IsZero() }
