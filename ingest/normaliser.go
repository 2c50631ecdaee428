package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/ingest/eventid"
	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/grace"
)

// inboundSource is the source of inbound events that name none. Stored rows hold
// the value, so it stays.
const inboundSource = "foreign"

// normaliserPoll bounds how many records are appended before a commit.
const normaliserPoll = 20_000

// leaveWithin is how long the normaliser waits for the broker when it leaves its
// group.
const leaveWithin = time.Second

// NormaliserConfig is what a Normaliser needs.
type NormaliserConfig struct {
	Broker   *broker.Client // stays the caller's to close
	Producer *Producer      // best its own, with Bulk; not closed
	// OnGaps, if set, is called with what retention has cut off the topic after a
	// commit, and returns when that is recorded: nothing is read on before. A gap
	// may be reported again after a restart. Without OnGaps it is only logged.
	OnGaps func(ctx context.Context, gaps []broker.Gap) error
	Log    zerolog.Logger
}

// Normaliser brings the records of the inbound topic, of other producers, into the
// log. Their events are read leniently: any key, unknown fields, times without
// a zone (read as UTC). An event without an id gets one from its record's
// topic, partition and offset, one without a source "foreign". What is no
// event, and an event that the broker will never take, goes to the rejected
// topic.
//
// Offsets are committed only after what was made of the records is
// acknowledged. A crash, or a partition that moves to another member, repeats
// some records; their events are the same, so identity tells (E3).
type Normaliser struct {
	cfg                      NormaliserConfig
	topic                    string
	plainTopic               string // without the pipeline's prefix
	positions                positions
	read, accepted, rejected atomic.Int64
}

// NormaliserStats counts records since the start. Records without a value are
// in Read alone, and what is repeated counts again.
type NormaliserStats struct{ Read, Accepted, Rejected int64 }

// NewNormaliser checks the settings; it does not connect yet.
func NewNormaliser(cfg NormaliserConfig) (*Normaliser, error) {
	if cfg.Broker == nil {
		return nil, errors.New("normaliser: no broker is given")
	}
	if cfg.Producer == nil {
		return nil, errors.New("normaliser: no producer is given")
	}
	topic := cfg.Broker.Topics().Inbound
	return &Normaliser{cfg: cfg, topic: topic, plainTopic: strings.TrimPrefix(topic, cfg.Broker.Config().TopicPrefix)}, nil
}

// Stats may be asked at any time.
func (n *Normaliser) Stats() NormaliserStats {
	return NormaliserStats{n.read.Load(), n.accepted.Load(), n.rejected.Load()}
}

// Run works until ctx ends; it then finishes what it has begun and returns
// nil. Any number of instances share the topic's partitions.
func (n *Normaliser) Run(ctx context.Context) error {
	for {
		err := n.member(ctx)
		switch class := broker.Classify(err); {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			n.cfg.Log.Warn().Err(err).Msg("normaliser: stopped with records under way; the next start reads them again")
			return nil //nolint:nilerr // to be stopped is no failure
		case class != broker.Retriable && class != broker.Fenced && !broker.PositionLost(err):
			return fmt.Errorf("normaliser: %w", err)
		}
		n.cfg.Log.Warn().Err(err).Msg("normaliser: joins the group again and continues from its last commit")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// member works as one member of the group, until ctx ends or something fails.
// After a failure only a new member begins where the group's commit is.
func (n *Normaliser) member(ctx context.Context) error {
	// The shared client may remember that it has not found the topic yet.
	side, err := n.cfg.Broker.Open()
	if err != nil {
		return err
	}
	defer side.Close()
	var group broker.Member
	cl, err := n.cfg.Broker.Open(append(broker.ConsumerOptions(),
		kgo.ConsumerGroup(n.cfg.Broker.Group("normaliser")),
		kgo.ConsumeTopics(n.topic),
		// Partitions move only between one poll's commit and the next poll.
		// An outage of the broker lasts longer than a rebalance may: then the
		// commit is refused, and the records are somebody's again.
		kgo.BlockRebalanceOnPoll(),
		kgo.RebalanceTimeout(time.Minute),
		// To begin anywhere else than asked would be a silent gap.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		group.Assigned(),
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			return n.begin(ctx, side, offsets)
		}),
	)...)
	if err != nil {
		return err
	}
	defer func() {
		leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
		defer cancel()
		// Without an answer the group notices by itself, later.
		_ = cl.Leave(leave)
	}()
	working, cancel := grace.Context(ctx, grace.Stop)
	defer cancel()
	// What asks a broker that hangs is not always ended by its own context.
	// A client that is broken off cannot leave the group, so it is given a moment more.
	leaving, stopLeaving := grace.Context(ctx, grace.Stop+leaveWithin)
	defer stopLeaving()
	defer context.AfterFunc(leaving, func() { side.BreakOff(); cl.BreakOff() })()
	w := normaliserWork{Normaliser: n, cl: cl, group: &group, batch: n.cfg.Producer.settlingBatch(), decoder: event.Decoder{Lenient: true}}
	for {
		fetches := cl.PollRecords(ctx, normaliserPoll)
		if ctx.Err() != nil && fetches.NumRecords() == 0 {
			return nil
		}
		if err := w.fetched(working, fetches); err != nil {
			return err
		}
		cl.AllowRebalance()
	}
}

type normaliserWork struct {
	*Normaliser
	cl      *broker.Client
	group   *broker.Member
	batch   *Batch
	decoder event.Decoder
}

// fetched appends the records of a poll, waits for them, and commits.
func (w *normaliserWork) fetched(ctx context.Context, fetches kgo.Fetches) (err error) {
	for _, f := range fetches.Errors() {
		switch class := broker.Classify(f.Err); {
		case class == broker.Retriable || class == broker.Canceled:
		case f.Topic == w.topic && broker.Unreadable(f.Err):
			// Behind what was read before it and is committed then.
			defer func() { err = errors.Join(err, w.passOver(ctx, f)) }()
		default:
			return fmt.Errorf("read topic %s-%d: %w", w.topic, f.Partition, f.Err)
		}
	}
	commits, still := make(map[int32]broker.Commit), w.group.Still()
	events, rejected := w.batch.counts()
	var records []*kgo.Record
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		commits[r.Partition] = broker.Commit{Offset: r.Offset + 1}
		w.positions.set(r.Partition, r.Offset+1)
		if r.Attrs.IsControl() {
			continue
		}
		records = append(records, r)
		if r.Value == nil {
			continue
		}
		if err := w.record(ctx, r, len(records)-1); err != nil {
			return err
		}
	}
	if len(commits) == 0 {
		return nil
	}
	err = w.batch.settle(ctx, func(from place, bad event.Rejection) error { return w.reject(ctx, records[from.index], bad) })
	if err != nil {
		return err
	}
	moreEvents, moreRejected := w.batch.counts()
	w.read.Add(int64(len(records)))
	w.accepted.Add(moreEvents - events)
	w.rejected.Add(moreRejected - rejected)
	return broker.CommitWithMetadata(ctx, w.cl.Client, w.topic, commits, still)
}

func (w *normaliserWork) record(ctx context.Context, r *kgo.Record, index int) error {
	var e event.Event
	err := w.decoder.Decode(r.Value, &e)
	if err == nil {
		if e.ID == "" {
			e.ID = eventid.OfRecord(w.plainTopic, r.Partition, r.Offset)
		}
		if e.Source == "" {
			e.Source = inboundSource
		}
		err = w.batch.append(ctx, &e, place{index: int64(index)})
	}
	if bad, ok := errors.AsType[*event.Rejection](err); ok {
		return w.reject(ctx, r, *bad)
	}
	return err
}

func (w *normaliserWork) reject(ctx context.Context, r *kgo.Record, bad event.Rejection) error {
	return w.batch.Reject(ctx, event.Rejected{Key: r.Key, Value: r.Value, Rejection: bad, Origin: broker.TopicOrigin(r)})
}
