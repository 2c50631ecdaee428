package recount

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
)

// Record is a record of a topic.
type Record struct {
	Partition int32
	Hashed    int32 // the partition that its key belongs in
	Offset    int64
	Received  int64  // ms
	Key       []byte // nil where there is none
	Value     []byte // nil where there is none
	Headers   map[string]string
}

// Rejected is a row of the view rejected_events, with the names of its columns.
type Rejected struct {
	Kind      string `json:"origin_kind"`
	Origin    string `json:"origin"`
	Partition int32  `json:"origin_partition"`
	Position  int64  `json:"origin_position"`
	Reason    string `json:"reason"`
	Key       string `json:"key"`   // in hexadecimal digits, for it may be any bytes
	Value     string `json:"value"` // as Key
}

// Alert is a row of the view flash_sale_alerts, with the names of its columns.
type Alert struct {
	ID             string  `json:"alert_id"`
	Rule           string  `json:"rule"`
	Product        string  `json:"product_id"`
	Start          int64   `json:"window_start"` // ms
	End            int64   `json:"window_end"`   // ms
	Status         string  `json:"status"`
	Views          int     `json:"views"`
	Purchases      int     `json:"purchases"`
	ConversionRate float64 `json:"conversion_rate"`
	Version        int64   `json:"version"`
	Exact          bool    `json:"exact"`
}

// Log is what the topics hold. Records of a partition are added in the order of
// their offsets.
type Log struct {
	rule       Rule
	topic      string // the event log's name
	events     map[identity]Event
	invalid    map[Rejected]bool // each once, on the event log
	rejected   map[Rejected]bool // what the rejected topic holds
	alerts     map[string]Alert  // the highest version of each
	versions   map[string]Alert  // every version, by id and version
	partitions map[int32]*partition
	days       map[int64]bool
	episodes   map[string]*episode
	episodeOf  map[string]string // by alert
	notices    map[string]*notice

	// Counts of records with a value on the event log.
	Records, Duplicates, Conflicts, Late int
	Ticks                                int
	// Faults are what must not be in a topic.
	Faults []string
}

// NewLog returns a log without records. Topic is the name of the event log.
func NewLog(topic string, rule Rule) *Log {
	return &Log{
		rule: rule, topic: topic, events: make(map[identity]Event), invalid: make(map[Rejected]bool), rejected: make(map[Rejected]bool),
		alerts: make(map[string]Alert), versions: make(map[string]Alert), partitions: make(map[int32]*partition), days: make(map[int64]bool),
		episodes: make(map[string]*episode), episodeOf: make(map[string]string), notices: make(map[string]*notice),
	}
}

// AddEvent adds a record of the event log.
func (l *Log) AddEvent(r Record) {
	p := l.partitions[r.Partition]
	if p == nil {
		p = newPartition(l.rule)
		l.partitions[r.Partition] = p
	}
	if r.Value == nil {
		after, err := strconv.ParseInt(r.Headers["after"], 10, 64)
		quiet, err2 := strconv.ParseInt(r.Headers["quiet_ms"], 10, 64)
		if r.Headers["tick"] == "1" && err == nil && err2 == nil {
			l.Ticks++
			p.tick(r.Offset, after, quiet)
		}
		return
	}
	l.Records++
	e, reason := read(r)
	if reason != "" {
		p.invalid(r.Offset)
		l.invalid[Rejected{
			Kind: "topic", Origin: l.topic, Partition: r.Partition, Position: r.Offset,
			Reason: reason, Key: fmt.Sprintf("%X", r.Key), Value: fmt.Sprintf("%X", r.Value),
		}] = true
		return
	}
	first, known := l.events[e.identity()]
	if !known {
		l.events[e.identity()] = e
		l.days[e.Timestamp/86_400_000] = true
	} else {
		l.Duplicates++
		if !first.sameFields(e) {
			l.Conflicts++
		}
	}
	if lastStart := e.Timestamp - e.Timestamp%l.rule.Slide.Milliseconds(); p.watermark >= lastStart+l.rule.Window.Milliseconds() {
		l.Late++ // all its windows have closed
	}
	p.event(e)
}

// AddRejected adds a record of the rejected topic.
func (l *Log) AddRejected(r Record) {
	partition, err := strconv.ParseInt(r.Headers["origin_partition"], 10, 32)
	position, err2 := strconv.ParseInt(r.Headers["origin_position"], 10, 64)
	if err != nil || err2 != nil {
		l.fault("the rejected topic holds a record without an origin: partition %d, offset %d", r.Partition, r.Offset)
		return
	}
	l.rejected[Rejected{
		Kind: r.Headers["origin_kind"], Origin: r.Headers["origin"], Partition: int32(partition), Position: position,
		Reason: r.Headers["reason"], Key: fmt.Sprintf("%X", r.Key), Value: fmt.Sprintf("%X", r.Value),
	}] = true
}

// AddAlert adds a record of the alerts topic.
func (l *Log) AddAlert(r Record) {
	var sent alertJSON
	if err := json.Unmarshal(r.Value, &sent); err != nil {
		l.fault("the alerts topic holds what is no alert: partition %d, offset %d: %v", r.Partition, r.Offset, err)
		return
	}
	a := sent.alert()
	version := a.ID + "/" + strconv.FormatInt(a.Version, 10)
	if before, known := l.versions[version]; known && before != a {
		l.fault("one version of an alert has two contents: %+v and %+v", before, a)
	}
	l.versions[version] = a
	l.addToEpisode(sent.Episode, a)
	if a.Version >= l.alerts[a.ID].Version {
		l.alerts[a.ID] = a
	}
}

func (l *Log) fault(format string, args ...any) {
	l.Faults = append(l.Faults, fmt.Sprintf(format, args...))
}

// Unclosed is how many windows that have qualified are still open.
func (l *Log) Unclosed() (n int) {
	for _, p := range l.partitions {
		n += p.unclosed()
	}
	return n
}

// Finals are the windows that have qualified and are closed.
func (l *Log) Finals() map[Window]Final {
	all := make(map[Window]Final)
	for _, p := range l.partitions {
		maps.Copy(all, p.closed)
	}
	return all
}

// Identities is how many different events there are, Invalid how many invalid
// records, Days on how many days, AlertVersions how many versions of alerts.
func (l *Log) Identities() int    { return len(l.events) }
func (l *Log) Invalid() int       { return len(l.invalid) }
func (l *Log) Days() int          { return len(l.days) }
func (l *Log) AlertVersions() int { return len(l.versions) }
