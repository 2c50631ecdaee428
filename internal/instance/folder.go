package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"clickstream/internal/event"
)

// folder is an instance's folder. Its lock belongs to the one command that runs
// embedded engines in it.
type folder struct {
	dir  string
	lock *flock.Flock
}

// addresses are what a running instance leaves in its folder (mode 0600), so that
// other commands can join it.
type addresses struct {
	PID            int               `json:"pid"`
	Broker         string            `json:"broker,omitempty"`
	ClickHouse     string            `json:"clickhouse,omitempty"`
	ClickHouseHTTP string            `json:"clickhouse_http,omitempty"`
	User           string            `json:"user,omitempty"`
	Password       string            `json:"password,omitempty"`
	Rule           *event.Rule       `json:"rule,omitempty"` // of its processor
	Links          map[string]string `json:"links,omitempty"`
}

const instanceFile = "instance.json"

// published says whether an instance has left its addresses in the folder.
func published(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, instanceFile))
	return err == nil
}

// openFolder makes and locks a folder. If an instance runs in it, it returns
// that one's addresses instead.
func openFolder(dir string) (*folder, *addresses, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the instance's folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, nil, fmt.Errorf("lock folder %s: %w", dir, err)
	}
	f := &folder{dir: dir, lock: lock}
	if locked {
		// Left by an instance that was killed.
		_ = os.Remove(filepath.Join(dir, instanceFile))
		return f, nil, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, instanceFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("folder %s is in use by another command: try again when that has ended, or give another --data-dir", dir)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the running instance's addresses: %w", err)
	}
	var in addresses
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, nil, fmt.Errorf("read the running instance's addresses in %s: %w", filepath.Join(dir, instanceFile), err)
	}
	return nil, &in, nil
}

// publish writes the addresses in one step, so that nobody reads half of them.
func (f *folder) publish(in addresses) error {
	text, err := json.MarshalIndent(in, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(f.dir, instanceFile)
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("leave the instance's addresses: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("leave the instance's addresses: %w", err)
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
