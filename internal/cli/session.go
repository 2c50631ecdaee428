package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"clickstream/ingest/formats"
	"clickstream/internal/event"
	"clickstream/processor"
)

// withPipeline runs work for a short command. On engines that this command
// started itself nobody else runs the mirror: so it runs beside, what was left
// on the log is stored before work begins, and what work adds before the
// command ends.
func withPipeline(ctx context.Context, t *terminal, flags *engineFlags, folder folderFlags, work func(context.Context, *pipeline) error) error {
	return withRoles(ctx, t, flags, folder, nil, work)
}

// withRoles is withPipeline with, on engines of its own, the processor too. It
// takes a rule, and another rule counts the log again from its beginning: so
// only commands that are given one run it.
func withRoles(ctx context.Context, t *terminal, flags *engineFlags, folder folderFlags, rule *event.Rule, work func(context.Context, *pipeline) error) (err error) {
	log := t.logger(folder.LogLevel)
	eng, err := openEngines(ctx, t, flags, folder.DataDir, joinOrStart, log)
	if err != nil {
		return err
	}
	defer closing(&err, eng.Close)
	open := openPipeline
	if !eng.started {
		open = joinPipeline
	}
	p, err := open(ctx, eng, log)
	if err != nil {
		return err
	}
	defer p.close()
	if eng.ownBroker == nil {
		return work(ctx, p) // the log is others' too, and so are its roles
	}

	// Ctrl-C ends the work, and what the work has written is stored all the same.
	r := p.newRoles(context.WithoutCancel(ctx))
	defer func() { _ = r.stop() }()
	if err := r.runMirror(); err != nil {
		return err
	}
	if rule != nil {
		if err := r.runProcessor(processor.Config{Rule: *rule}); err != nil {
			return err
		}
	}
	s := t.status()
	defer s.clear()
	settle := func(ctx context.Context) error {
		return p.stored(ctx, func(left int64) { s.set("storing: %s records to go", count(left)) })
	}
	working, cancel := context.WithCancel(r.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	if err := settle(working); err != nil {
		return r.explain(err)
	}
	s.clear()
	workErr := work(working, p)
	last := r.ctx
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		last, cancel = context.WithTimeout(r.ctx, stopGrace)
		defer cancel()
	}
	if err := settle(last); err != nil && ctx.Err() == nil {
		return r.explain(errors.Join(workErr, err))
	}
	return errors.Join(workErr, r.stop())
}

// stopGrace is how long a command that was interrupted still stores what it has
// put on the log. What is left is stored by the next command.
const stopGrace = 2 * time.Second

// checkFiles looks whether the files are there before engines are started for
// them.
func checkFiles(files []string) error {
	var errs []error
	for _, name := range files {
		if name == "-" {
			continue
		}
		switch info, err := os.Stat(name); {
		case errors.Is(err, os.ErrNotExist):
			errs = append(errs, fmt.Errorf("there is no file %s", name))
		case err != nil:
			errs = append(errs, err)
		case info.IsDir():
			errs = append(errs, fmt.Errorf("%s is a folder: name the files in it", name))
		}
	}
	return errors.Join(errs...)
}

// checkFormat refuses a format that does not exist.
func checkFormat(name string) error {
	if formats.Valid(name) {
		return nil
	}
	return usageError{fmt.Errorf("format %q is not known: give auto, %s", name, strings.Join(formats.Names(), " or "))}
}
