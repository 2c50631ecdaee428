package cli

import (
	"context"

	"github.com/rs/zerolog"

	"clickstream/internal/instance"
)

// useInstance runs work that only reads: on the running instance that the flags
// name, or on the data in its folder.
func useInstance(ctx context.Context, t *terminal, flags *engineFlags, folder folderFlags, work func(context.Context, *instance.Pipeline) error) error {
	return runSession(ctx, t, flags, folder, instance.Session{Engines: instance.Config{Sharing: instance.JoinOrOpen}}, work)
}

// useOrStartInstance is useInstance for work that adds data: it also works in a
// folder without data.
func useOrStartInstance(ctx context.Context, t *terminal, flags *engineFlags, folder folderFlags, work func(context.Context, *instance.Pipeline) error) error {
	return runSession(ctx, t, flags, folder, instance.Session{Engines: instance.Config{Sharing: instance.JoinOrStart}}, work)
}

// runSession runs work in a session with the flags' engines.
func runSession(ctx context.Context, t *terminal, flags *engineFlags, folder folderFlags, session instance.Session, work func(context.Context, *instance.Pipeline) error) error {
	if err := flags.check(); err != nil {
		return err
	}
	s := t.status()
	defer s.clear()
	session.Engines = flags.instance(t, folder.DataDir, session.Engines.Sharing, t.logger(folder.LogLevel))
	session.Storing = func(left int64) {
		if left == 0 {
			s.clear()
			return
		}
		s.set("storing: %s records left", count(left))
	}
	return session.Run(ctx, work)
}

// instance is the Config of the engines that the flags name.
func (f *engineFlags) instance(t *terminal, dir string, use instance.Sharing, log zerolog.Logger) instance.Config {
	return instance.Config{
		Kafka: f.broker(), ClickHouse: f.clickhouse(), Dir: dir, Sharing: use, Log: log, Installing: t.status().installing,
	}
}

// openEngines opens the engines that the flags name.
func openEngines(ctx context.Context, t *terminal, flags *engineFlags, dir string, use instance.Sharing, log zerolog.Logger) (*instance.Engines, error) {
	if err := flags.check(); err != nil {
		return nil, err
	}
	return instance.Open(ctx, flags.instance(t, dir, use, log))
}
