package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"clickstream/ingest/formats"
	"clickstream/internal/instance"
)

// useInstance runs work that asks: on the running instance that the flags name,
// or on the data that is in its folder.
func useInstance(ctx context.Context, t *terminal, flags *engineFlags, folder folderFlags, work func(context.Context, *instance.Pipeline) error) error {
	return runSession(ctx, t, flags, folder, instance.Session{Engines: instance.Config{Sharing: instance.JoinOrOpen}}, work)
}

// useOrStartInstance is useInstance for work that adds data: in an empty folder
// it starts with none.
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
		s.set("storing: %s records to go", count(left))
	}
	return session.Run(ctx, work)
}

// instance is the way to the engines that the flags name.
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
	return usageError{fmt.Errorf("format %q is not known: give auto or one of %s", name, strings.Join(formats.Names(), ", "))}
}

// formatsHelp lists the formats in the help of a command that reads files.
func formatsHelp() string {
	return "Formats:\n  " + strings.Join(formats.Descriptions(), "\n  ")
}
