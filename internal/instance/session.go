package instance

import (
	"context"
	"errors"

	"clickstream/internal/grace"
)

// Session is what a short command needs of an instance.
type Session struct {
	Engines Config
	// Storing, which may be nil, is called with the number of records that are
	// not stored yet while Run waits for them, at last with 0.
	Storing func(left int64)
}

// Run runs work on the pipeline. With a broker that this command started itself
// no other instance runs the mirror, so Run does. Then work begins when the log
// is stored up to its end, and Run returns when what work has added is stored
// too. If ctx ends before, storing continues for two seconds; the next command
// stores what is left then.
func (s Session) Run(ctx context.Context, work func(context.Context, *Pipeline) error) (err error) {
	eng, err := Open(ctx, s.Engines)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := eng.Close(); err == nil {
			err = closeErr
		}
	}()
	open := OpenPipeline
	if !eng.started {
		open = JoinPipeline
	}
	p, err := open(ctx, eng, s.Engines.Log)
	if err != nil {
		return err
	}
	defer p.Close()
	if eng.ownBroker == nil {
		return work(ctx, p) // other instances run the roles of this log
	}
	return s.runRoles(ctx, p, work)
}

// runRoles runs work between two waits for the mirror.
func (s Session) runRoles(ctx context.Context, p *Pipeline, work func(context.Context, *Pipeline) error) error {
	// Ctrl-C ends the work, and what the work has written is stored all the same.
	r := p.NewRoles(context.WithoutCancel(ctx))
	defer func() { _ = r.Stop() }()
	r.RunMirror()
	working, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if err := p.WaitStored(working, s.Storing); err != nil {
		return r.Explain(err)
	}
	workErr := work(working, p)
	last := r.Context()
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		// What the work has put on the log is still stored.
		last, cancel = context.WithTimeout(r.Context(), grace.Stop)
		defer cancel()
	}
	if err := p.WaitStored(last, s.Storing); err != nil && ctx.Err() == nil {
		return r.Explain(errors.Join(workErr, err))
	}
	return errors.Join(workErr, r.Stop())
}
