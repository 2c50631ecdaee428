package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// journal prints what happens with its time, counts faults by kind and keeps
// what went wrong. Its methods may be called by several goroutines at once.
type journal struct {
	mu       sync.Mutex
	begun    time.Time
	faults   map[string]int
	wrong    []string
	starts   int
	longest  time.Duration // of a stop
	crashes  int           // of ClickHouse, by itself
	stopping int           // how many stops there were
}

func newJournal() *journal { return &journal{begun: time.Now(), faults: make(map[string]int)} }

func (j *journal) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.print(format, args...)
}

func (j *journal) print(format string, args ...any) {
	fmt.Printf("%7.1fs %s\n", time.Since(j.begun).Seconds(), fmt.Sprintf(format, args...))
}

// fault says that something is broken on purpose.
func (j *journal) fault(kind, format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.faults[kind]++
	j.print("%s: %s", kind, fmt.Sprintf(format, args...))
}

// fail says that something is wrong that no fault excuses.
func (j *journal) fail(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	j.wrong = append(j.wrong, text)
	j.print("WRONG %s", text)
}

func (j *journal) started() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.starts++
}

func (j *journal) stopped(took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopping++
	j.longest = max(j.longest, took)
}

func (j *journal) crashed() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.crashes++
	j.print("ClickHouse has ended by itself and is started again")
}

// summary is the counts, on a few lines.
func (j *journal) summary() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := 0
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(j.faults)) {
		all += j.faults[kind]
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, j.faults[kind]))
	}
	return fmt.Sprintf("%d faults: %s\n%d starts of instances, %d stops, the slowest in %.1f s; ClickHouse ended by itself %d times",
		all, strings.Join(kinds, ", "), j.starts, j.stopping, j.longest.Seconds(), j.crashes)
}

func (j *journal) problems() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.wrong)
}
