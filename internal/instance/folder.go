package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"clickstream/internal/broker"
	"clickstream/warehouse"
	"clickstream/warehouse/embedded"
)

// folder is an instance's folder. Its lock belongs to the one process that runs
// embedded engines or roles in it.
type folder struct {
	dir  string
	lock *flock.Flock
}

// Description is what a running instance leaves in its folder (mode 0600), so
// that other commands can join it and status can show its roles. It is written
// again, in one step, whenever a role changes its state, its processor has not
// remembered something or its notifier has other notices to send, and removed at
// the end.
// The folder's lock says whether the instance still runs.
type Description struct {
	PID        int               `json:"pid"`
	Broker     brokerAddress     `json:"broker"`
	ClickHouse clickhouseAddress `json:"clickhouse"`
	Timezone   string            `json:"timezone,omitempty"`
	URLs       map[string]string `json:"urls,omitempty"` // what can be opened, by name; "collector" is where to send events
	Roles      []RoleState       `json:"roles"`
	// Unremembered is what its processor has not remembered; nil without one.
	Unremembered *Unremembered `json:"unremembered,omitempty"`
	// Waiting is how many notices its notifier has decided on and not sent yet; nil
	// without one.
	Waiting *int `json:"notices_waiting,omitempty"`
}

// brokerAddress is a broker without its secrets.
type brokerAddress struct {
	Addresses   []string    `json:"addresses"`
	TLS         broker.TLS  `json:"tls"`
	SASL        broker.SASL `json:"sasl"` // its password is left out
	TopicPrefix string      `json:"topic_prefix,omitempty"`
}

// clickhouseAddress is a ClickHouse without its secrets, but for those of an
// embedded one, which are in the same folder anyway. An instance whose roles
// need none has no addresses.
type clickhouseAddress struct {
	Addresses    []string      `json:"addresses"`
	HTTP         string        `json:"http,omitempty"`
	Database     string        `json:"database,omitempty"`
	User         string        `json:"user,omitempty"`
	Password     string        `json:"password,omitempty"`
	PasswordFile string        `json:"password_file,omitempty"`
	TLS          warehouse.TLS `json:"tls"`
}

const (
	instanceFile = "instance.json"
	lockFile     = "lock"
	logFolder    = "log"
	tablesFolder = "clickhouse"
)

// published says whether an instance has left its description in the folder.
func published(dir string) bool { return exists(filepath.Join(dir, instanceFile)) }

// holdsData says whether embedded engines have run in the folder.
func holdsData(dir string, ofBroker, ofClickHouse bool) bool {
	return (!ofBroker || exists(filepath.Join(dir, logFolder))) && (!ofClickHouse || exists(filepath.Join(dir, tablesFolder)))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openFolder makes and locks a folder. If an instance runs in it, it returns
// that one's description instead.
func openFolder(dir string) (*folder, *Description, error) {
	if err := embedded.MakeFolder(dir); err != nil {
		return nil, nil, fmt.Errorf("open the instance's folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, nil, fmt.Errorf("lock folder %s: %w", dir, err)
	}
	if locked {
		// Left by an instance that was killed.
		_ = os.Remove(filepath.Join(dir, instanceFile))
		return &folder{dir: dir, lock: lock}, nil, nil
	}
	d, err := readDescription(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("folder %s is in use by another command: try again when that command has ended, or give another --data-dir", dir)
	}
	return nil, d, err
}

// Describe returns the description of the instance that runs in dir, or nil. It
// creates nothing.
func Describe(dir string) (*Description, error) {
	if !published(dir) {
		return nil, nil
	}
	if err := embedded.CheckFolder(dir); err != nil {
		return nil, fmt.Errorf("open the instance's folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	free, err := lock.TryRLock()
	if err != nil {
		return nil, fmt.Errorf("check whether an instance runs in folder %s: %w", dir, err)
	}
	if free { // it was killed
		return nil, lock.Unlock()
	}
	return readDescription(dir)
}

func readDescription(dir string) (*Description, error) {
	text, err := os.ReadFile(filepath.Join(dir, instanceFile))
	if err != nil {
		return nil, fmt.Errorf("read the running instance's addresses: %w", err)
	}
	var d Description
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("read the running instance's addresses in %s: %w", filepath.Join(dir, instanceFile), err)
	}
	return &d, nil
}

// publish writes the description in one step, so that nobody reads half of it.
func (f *folder) publish(d Description) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(f.dir, instanceFile)
	if err := embedded.CreateFile(name+".new", append(text, '\n')); err != nil {
		return fmt.Errorf("write the instance's addresses: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write the instance's addresses: %w", err)
	}
	return nil
}

// Close releases the folder.
func (f *folder) Close() error {
	err := os.Remove(filepath.Join(f.dir, instanceFile))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.lock.Unlock())
}

// describe is the engines' part of a description. Files are named so that a
// command in another folder finds them too.
func (e *Engines) describe() Description {
	b, c := e.Kafka, e.ClickHouse
	d := Description{
		PID:    os.Getpid(),
		Broker: brokerAddress{Addresses: b.Brokers, TLS: absolute(b.TLS), SASL: b.SASL, TopicPrefix: b.TopicPrefix},
		ClickHouse: clickhouseAddress{
			Addresses: c.Addr, Database: c.Database, User: c.User, PasswordFile: absolutePath(c.PasswordFile), TLS: absolute(c.TLS),
		},
	}
	d.Broker.SASL.PasswordFile = absolutePath(b.SASL.PasswordFile)
	if e.ownClickHouse != nil {
		d.ClickHouse.HTTP, d.ClickHouse.Password = e.ownClickHouse.HTTPAddr(), c.Password
	}
	return d
}

func absolute(t broker.TLS) broker.TLS {
	t.CAFile, t.CertFile, t.KeyFile = absolutePath(t.CAFile), absolutePath(t.CertFile), absolutePath(t.KeyFile)
	return t
}

func absolutePath(name string) string {
	if name == "" {
		return ""
	}
	if full, err := filepath.Abs(name); err == nil {
		return full
	}
	return name
}

// isOf says whether the described instance works with these engines.
func (d *Description) isOf(e *Engines) bool {
	return slices.Equal(d.Broker.Addresses, e.Kafka.Brokers) && d.Broker.TopicPrefix == e.Kafka.TopicPrefix &&
		(len(d.ClickHouse.Addresses) == 0 ||
			slices.Equal(d.ClickHouse.Addresses, e.ClickHouse.Addr) && d.ClickHouse.Database == e.ClickHouse.Database)
}

// noInstance is the error of a command that only joins an instance.
func noInstance(dir string, needBroker, needClickHouse bool) error {
	return fmt.Errorf("no instance is running in %s: start one with clickstream serve or demo, give another --data-dir, or give %s",
		dir, missing(needBroker, needClickHouse))
}

// noData is the error of a command that only reads.
func noData(dir string, needBroker, needClickHouse bool) error {
	return fmt.Errorf("folder %s holds no data: create some with clickstream demo, serve or ingest, name an instance's folder with --data-dir, or give %s",
		absolutePath(dir), missing(needBroker, needClickHouse))
}

func missing(needBroker, needClickHouse bool) string {
	var flags []string
	if needBroker {
		flags = append(flags, "--kafka-brokers")
	}
	if needClickHouse {
		flags = append(flags, "--clickhouse-addr")
	}
	return strings.Join(flags, " and ")
}
