// Package cli is the commands: it parses, composes the rooms, waits and prints.
//
// Exit status: 0 done, 1 it failed, 2 it was called wrongly. Results go to
// standard output, everything else to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kong"

	"clickstream/ingest/formats"
	"clickstream/internal/event"
	"clickstream/internal/instance"
	"clickstream/processor/notifier"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the grammar of the command line.
type commands struct {
	Demo    demoCmd    `cmd:"" help:"A whole shop on this machine: engines, traffic with a flash sale in it, alerts and live charts."`
	Serve   serveCmd   `cmd:"" help:"Run the long-running roles."`
	Analyze analyzeCmd `cmd:"" help:"Run files through the whole pipeline and print alerts, segments, top products and conversion."`
	Ingest  ingestCmd  `cmd:"" help:"Put events on the log."`
	Alerts  alertsCmd  `cmd:"" help:"The latest alerts, as a list or as they come."`
	Jobs    jobsCmd    `cmd:"" help:"The daily jobs: list, run by hand, backfill, look at runs and reports."`
	SQL     sqlCmd     `cmd:"" name:"sql" help:"Run a query, which can only read."`
	Trace   traceCmd   `cmd:"" help:"Show where an event is stored and in which windows it counted, or why it was rejected."`
	Export  exportCmd  `cmd:"" help:"Print the events on the log as JSON lines, which ingest file reads."`
	Migrate migrateCmd `cmd:"" help:"The warehouse's tables: up, down, status."`
	Verify  verifyCmd  `cmd:"" help:"Read the log again and compare it with tables and alerts. Exit status 1 if they disagree."`
	Status  statusCmd  `cmd:"" help:"Health and lag of engines, roles and jobs. Exit status 1 if something is unwell."`
	Version versionCmd `cmd:"" help:"Print the version."`

	HelpAll     bool             `env:"-" name:"help-all" help:"Show help with the flags of the broker and ClickHouse too."`
	VersionFlag kong.VersionFlag `env:"-" name:"version" help:"Print the version."`
}

// terminal is where a command reads and prints.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	// inTTY, outTTY and errTTY say which of these are a terminal, with a person
	// who can answer or read.
	inTTY, outTTY, errTTY bool
}

// usageError is a mistake in how a command was called.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// silentError ends a command with exit status 1 when the command has already
// printed the reason.
type silentError struct{}

func (silentError) Error() string { return "failed" }

// Main runs one command and returns its exit status. The first Ctrl-C or
// SIGTERM asks for a clean stop; a second one ends the process at once.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := limitMemory(memlimit.FromCgroup); err != nil {
		fmt.Fprintf(errOut, "warning: %v: set GOMEMLIMIT if memory is limited\n", err)
	}
	return execute(ctx, args, in, out, errOut)
}

// newParser is the command line's parser. It calls exit after it has printed
// the help or the version.
func newParser(ctx context.Context, t *terminal, exit func(status int)) (*kong.Kong, error) {
	return kong.New(&commands{},
		kong.Name("clickstream"),
		kong.Description("An online shop's click events become flash-sale alerts within a second and reports that stay right.\n\n"+
			"Try: clickstream demo\n     clickstream analyze clicks.csv"),
		kong.Writers(t.out, t.err),
		kong.Exit(exit),
		kong.DefaultEnvars("CLICKSTREAM"),
		kong.Vars{
			"version": version(), "roles": strings.Join(instance.RoleNames(), ", "), "notifyMaxAge": event.ShortDuration(notifier.DefaultMaxAge), "notifyGiveUp": event.ShortDuration(notifier.DefaultGiveUp), "collector": instance.DefaultCollectorAddr,
			"formats": strings.Join(formats.Names(), ", "),
		},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, FlagsLast: true}),
		kong.ExplicitGroups(groups),
		kong.UsageOnError(),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)),
		kong.Bind(t),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

func execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	t := &terminal{in: in, out: out, err: errOut, inTTY: isTerminal(in), outTTY: isTerminal(out), errTTY: isTerminal(errOut)}
	exited := -1
	parser, err := newParser(ctx, t, func(status int) { exited = status })
	if err != nil {
		fmt.Fprintln(errOut, "clickstream:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	args, all := helpArgs(args)
	if !all {
		hideEngineFlags(parser.Model.Node)
	}
	kctx, err := parser.Parse(queryLast(joinNegatives(args)))
	if exited >= 0 { // --help has been printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(errOut, "clickstream: %v\nTry: clickstream%s --help\n", err, commandOf(err))
		return exitUsage
	}
	warnOfUnknownVariables(errOut, os.Environ(), knownVariables(parser.Model.Node))
	err = kctx.Run()
	name, _, _ := strings.Cut(kctx.Command(), " <")
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(errOut, "clickstream %s: %s\n", name, printableLines(err.Error()))
		return exitUsage
	case errors.As(err, new(silentError)):
		return exitFailed
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(errOut, "clickstream: interrupted")
		return exitFailed
	default:
		fmt.Fprintf(errOut, "clickstream %s: %s\n", name, printableLines(err.Error()))
		return exitFailed
	}
}

// commandOf is the command that a parse error happened in, with a space before
// it.
func commandOf(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if name, _, _ := strings.Cut(parse.Context.Command(), " <"); name != "" && !strings.HasPrefix(name, "<") {
			return " " + name
		}
	}
	return ""
}
