package simulation

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// Journal notes what happens in a run and what is wrong. It may be used by
// several goroutines at once.
type Journal struct {
	mu       sync.Mutex
	happened strings.Builder
	problems []string
}

// Write adds lines to what has happened.
func (j *Journal) Write(lines []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.happened.Write(lines)
}

const journalTime = "15:04:05.000"

// Sayf notes what happens, and prints it where one seed runs alone.
func (j *Journal) Sayf(format string, args ...any) {
	line := time.Now().Format(journalTime) + " " + fmt.Sprintf(format, args...) + "\n"
	if Verbose() {
		fmt.Fprint(os.Stderr, line)
	}
	fmt.Fprint(j, line)
}

// Errorf notes what is wrong. The first problems say enough.
func (j *Journal) Errorf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.problems) < 5 {
		j.problems = append(j.problems, fmt.Sprintf(format, args...))
	}
}

// Problems are what is wrong.
func (j *Journal) Problems() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.problems)
}

// Failed says whether anything is wrong.
func (j *Journal) Failed() bool { return len(j.Problems()) > 0 }

// Happened is what has happened so far.
func (j *Journal) Happened() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.TrimSpace(j.happened.String())
}

// Logger notes what a process logs.
func (j *Journal) Logger(name string) zerolog.Logger {
	return zerolog.New(zerolog.ConsoleWriter{
		Out: j, NoColor: true, TimeFormat: journalTime,
		PartsOrder: []string{"time", "instance", "message"}, FieldsExclude: []string{"instance"},
	}).With().Timestamp().Str("instance", name).Logger()
}

// Report fails the test where anything is wrong, and then prints what happened.
func (j *Journal) Report(t *testing.T) {
	t.Helper()
	for _, problem := range j.Problems() {
		t.Error(problem)
	}
	if j.Failed() || Verbose() {
		t.Logf("what happened:\n%s", j.Happened())
	}
}
