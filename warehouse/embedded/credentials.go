package embedded

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of the two users that an engine knows.
const (
	User        = "clickstream" // reads and writes: the pipeline
	GrafanaUser = "grafana"     // reads GrafanaViews: dashboards and the console
)

// Credentials are the passwords of an engine's users. They are made at its
// first start and stay in its folder; the engine's configuration has only
// their hashes.
type Credentials struct {
	Password        string `json:"clickstream"`
	GrafanaPassword string `json:"grafana"`
}

const credentialsFile = "credentials.json"

// loadCredentials reads the passwords of the engine in dir, so that a second
// process can join the one that runs there. The error wraps fs.ErrNotExist
// when no engine was ever started in dir.
func loadCredentials(dir string) (Credentials, error) {
	var c Credentials
	path := filepath.Join(dir, credentialsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read the embedded ClickHouse's passwords: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("read the embedded ClickHouse's passwords in %s (delete the file to have new ones made): %w", path, err)
	}
	if c.Password == "" || c.GrafanaPassword == "" {
		return c, fmt.Errorf("read the embedded ClickHouse's passwords in %s: one is missing; delete the file to have new ones made", path)
	}
	return c, nil
}

func loadOrMakeCredentials(dir string) (Credentials, error) {
	c, err := loadCredentials(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c = Credentials{Password: newPassword(), GrafanaPassword: newPassword()}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return c, fmt.Errorf("encode the embedded ClickHouse's passwords: %w", err)
	}
	if err := writeFile(filepath.Join(dir, credentialsFile), append(text, '\n')); err != nil {
		return c, fmt.Errorf("keep the embedded ClickHouse's passwords: %w", err)
	}
	return c, nil
}

func newPassword() string {
	var secret [24]byte
	rand.Read(secret[:]) // never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

func sha256Hex(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// writeFile puts a file there whole or not at all, for its owner only.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when the rename went well
	if _, err := f.Write(content); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
