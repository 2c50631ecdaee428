package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"clickstream/internal/columns"
	"clickstream/warehouse/embedded"
)

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is how many columns standard output has, or 0 off a terminal.
func (t *terminal) width() int {
	f, ok := t.out.(*os.File)
	if !ok || !t.outTTY {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// say prints a line for people to standard error.
func (t *terminal) say(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }

// confirm asks a question of the person at the terminal; no answer is no.
func (t *terminal) confirm(question string) bool {
	fmt.Fprintf(t.err, "%s [y/N] ", question)
	var answer string
	_, _ = fmt.Fscanln(t.in, &answer)
	return answer == "y" || answer == "yes"
}

// logger is for what happens in the background: lines for people on a
// terminal, JSON lines otherwise.
func (t *terminal) logger(level string) zerolog.Logger {
	l, err := zerolog.ParseLevel(level)
	if err != nil {
		l = zerolog.InfoLevel
	}
	var w io.Writer = t.err
	if t.errTTY {
		w = zerolog.ConsoleWriter{Out: t.err, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(w).Level(l).With().Timestamp().Logger()
}

// status is one line that each new text replaces, on a terminal. Elsewhere it
// prints a text every few seconds, so that a log does not fill up with it. It
// may be used from several goroutines.
type status struct {
	mu    sync.Mutex
	t     *terminal
	every time.Duration // off a terminal
	last  time.Time
	shown bool
}

func (t *terminal) status() *status { return &status{t: t, every: 5 * time.Second, last: time.Now()} }

// set shows a text in place of the one before.
func (s *status) set(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	every := s.every
	if s.t.errTTY {
		every = 100 * time.Millisecond
	}
	if time.Since(s.last) < every {
		return
	}
	s.last = time.Now()
	text := fmt.Sprintf(format, args...)
	if !s.t.errTTY {
		fmt.Fprintln(s.t.err, text)
		return
	}
	if width, _, err := term.GetSize(int(s.t.err.(*os.File).Fd())); err == nil && width > 1 {
		if r := []rune(text); len(r) >= width {
			text = string(r[:width-1])
		}
	}
	fmt.Fprintf(s.t.err, "\r\x1b[K%s", text)
	s.shown = true
}

// line prints a line above the status.
func (s *status) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprintf(s.t.err, format+"\n", args...)
}

// clear erases the status line.
func (s *status) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
}

func (s *status) wipe() {
	if s.shown {
		fmt.Fprint(s.t.err, "\r\x1b[K")
		s.shown, s.last = false, time.Time{}
	}
}

// installing shows the progress of the installation of the embedded ClickHouse.
func (s *status) installing(i embedded.Installation) {
	switch {
	case i.Over && i.Err == nil:
		s.line("installed %s", i.What)
	case i.Over:
		s.clear()
	case i.Done == 0:
		s.line("installing %s with npm, about %d MB, once, into %s", i.What, i.Total/1_000_000, i.Folder)
	default:
		s.set("installing %s", bar(i.Done, i.Total))
	}
}

// bar draws done of total.
func bar(done, total int64) string {
	const width = 24
	if total <= 0 {
		return strings.Repeat("·", width)
	}
	done = min(done, total)
	full := int(done * width / total)
	return strings.Repeat("█", full) + strings.Repeat("·", width-full) + fmt.Sprintf(" %3d%%", done*100/total)
}

// table prints rows under headings, columns aligned.
func table(w io.Writer, headings []string, rows [][]string) {
	t := columns.Table{}
	for _, heading := range headings {
		t.Columns = append(t.Columns, columns.Column{Heading: printable(heading)})
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		t.Rows = append(t.Rows, cells)
	}
	_ = t.Print(w)
}

// self is how this program was called, for examples that can be pasted.
func self() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(exe, "go-build") {
		return "go run ."
	}
	return "clickstream"
}

// count writes a number with its thousands apart.
func count[N ~int | ~int32 | ~int64 | ~uint64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
