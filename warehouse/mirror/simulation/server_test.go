package simulation_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"clickstream/internal/broker"
)

// server is a model of ClickHouse, as far as rows are stored and lost. Its
// faults are those that ClickHouse has: an INSERT is stored day by day, each day
// at once; an answer may be lost; a power cut takes what was not synced.
type server struct {
	fsync bool // an INSERT is answered when its rows are synced

	mu      sync.Mutex
	draw    *rand.Rand
	tables  map[string][]part
	stored  map[place]int64 // when a record's row was first safe, as a number of clock
	gaps    []broker.Gap
	clock   int64 // counts what happens
	starts  int   // how often it has started; an INSERT does not outlive one
	down    int   // power cuts that last
	inserts int
	faults  []*tableFault
	changed chan struct{} // closed when a fault begins or ends, or the power is cut
}

// place is where a record is.
type place struct {
	table     string
	partition string
	offset    int64
}

// part is the rows of one INSERT for one day.
type part struct {
	rows   []row
	at     time.Time
	synced bool
}

// tableFault is what happens to INSERTs while it lasts.
type tableFault struct {
	kind   tableFaultKind
	code   int // of refuse
	share  float64
	rows   int // of memory: what one INSERT may have
	hitCnt int
}

type tableFaultKind string

const (
	refuse     tableFaultKind = "refuse"      // an error, and nothing is stored
	partial    tableFaultKind = "partial"     // some days are stored, then an error
	lostAnswer tableFaultKind = "lost answer" // all is stored, and the connection breaks
	hang       tableFaultKind = "hang"        // no answer while the fault lasts
	memory     tableFaultKind = "memory"      // an error for what is too large
	slow       tableFaultKind = "slow"
)

func newServer(draw *rand.Rand) *server {
	return &server{fsync: true, draw: draw, tables: make(map[string][]part), stored: make(map[place]int64), changed: make(chan struct{})}
}

// begin starts a fault, end ends it.
func (s *server) begin(f *tableFault) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	s.wakeAll()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(o *tableFault) bool { return o == f })
		s.wakeAll()
	}
}

func (s *server) wakeAll() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// cutPower stops the server; what is not synced is gone.
func (s *server) cutPower() (start func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down++
	s.starts++
	for table, parts := range s.tables {
		s.tables[table] = slices.DeleteFunc(parts, func(p part) bool { return !p.synced && time.Since(p.at) < writeBack })
	}
	s.wakeAll()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.down--
	}
}

// writeBack is how long an operating system may keep what was written in memory.
const writeBack = 30 * time.Second

// tick returns the next number of what happens.
func (s *server) tick() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	return s.clock
}

// firstStored says when a record's row was first safe.
func (s *server) firstStored(p place) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, is := s.stored[p]
	return at, is
}

// fault draws what happens to an INSERT of so many rows.
func (s *server) fault(rows int) *tableFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inserts++
	for _, f := range s.faults {
		if f.kind == memory && rows <= f.rows {
			continue
		}
		if f.kind != memory && s.draw.Float64() >= f.share {
			continue
		}
		f.hitCnt++
		return f
	}
	return nil
}

// pause is a time in which an INSERT makes a part.
func (s *server) pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.draw.Int64N(int64(8 * time.Millisecond)))
}

func (s *server) chance(share float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draw.Float64() < share
}

// has says whether the server that an INSERT was sent to still runs.
func (s *server) has(start int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down == 0 && s.starts == start
}

// up returns which start of the server runs.
func (s *server) up() (start int, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts, s.down == 0
}

// days divides rows by their ClickHouse partition, in an order of its own.
func (s *server) days(table string, rows []row) [][]row {
	byDay := make(map[string][]row)
	var names []string
	for _, r := range rows {
		day := schemas[table].day(r)
		if byDay[day] == nil {
			names = append(names, day)
		}
		byDay[day] = append(byDay[day], r)
	}
	s.mu.Lock()
	s.draw.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	s.mu.Unlock()
	days := make([][]row, len(names))
	for i, name := range names {
		days[i] = byDay[name]
	}
	return days
}

// store makes one part, and syncs it after a while.
func (s *server) store(table string, rows []row, start int) bool {
	s.mu.Lock()
	if s.down > 0 || s.starts != start {
		s.mu.Unlock()
		return false
	}
	at := len(s.tables[table])
	s.tables[table] = append(s.tables[table], part{rows: rows, at: time.Now()})
	if !s.fsync {
		s.safe(table, rows)
		s.mu.Unlock()
		return true
	}
	s.mu.Unlock()
	time.Sleep(s.pause())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down > 0 || s.starts != start {
		return false // the part is gone
	}
	s.tables[table][at].synced = true
	s.safe(table, rows)
	return true
}

// safe notes that rows are stored. The caller holds the lock.
func (s *server) safe(table string, rows []row) {
	s.clock++
	for _, r := range rows {
		p := placeOf(table, r)
		if _, is := s.stored[p]; !is {
			s.stored[p] = s.clock
		}
	}
}

func placeOf(table string, r row) place {
	c := schemas[table].columns
	return place{table, of(c, r, "kafka_partition"), offsetOf(c, r)}
}

// recordGaps stores what of gaps is not recorded, and returns it.
func (s *server) recordGaps(gaps []broker.Gap) (recorded []broker.Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range gaps {
		for _, old := range s.gaps {
			if old.Topic == g.Topic && old.Partition == g.Partition && old.From <= g.From && g.From < old.To {
				g.From = old.To
			}
		}
		if g.From < g.To {
			recorded = append(recorded, g)
		}
	}
	s.gaps = append(s.gaps, recorded...)
	return recorded
}

// all returns every row of a table.
func (s *server) all(table string) (rows []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.tables[table] {
		rows = append(rows, p.rows...)
	}
	return rows
}

// view returns the rows that a table's view shows, by identity.
func (s *server) view(table string) map[string]row {
	schema := schemas[table]
	shown := make(map[string]row)
	for _, r := range s.all(table) {
		id := schema.identity(r)
		if old, is := shown[id]; !is || schema.wins(r, old) {
			shown[id] = r
		}
	}
	return shown
}
