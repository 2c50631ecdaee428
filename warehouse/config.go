package warehouse

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"

	"clickstream/internal/broker"
	"clickstream/migrations"
)

// Defaults of a Config's empty fields.
const (
	DefaultDatabase = "clickstream"
	defaultUser     = "default"
)

// Engine families: how the tables are kept.
const (
	Plain      = "plain"      // one server, or ClickHouse Cloud, which replicates by itself
	Replicated = "replicated" // a cluster of one's own, with a keeper
)

// Config is how to reach ClickHouse.
type Config struct {
	// Addr are host:port addresses of the native protocol; one that answers is
	// enough.
	Addr         []string
	Database     string // default "clickstream"; created where it is missing
	User         string // default "default"
	Password     string `json:"-"`
	PasswordFile string // its content, without trailing line ends, is the password; read by Open
	TLS          TLS

	Engine  string // Plain (default) or Replicated
	Cluster string // with Replicated: the cluster that DDL runs ON
	// NoFsync lets the mirror store faster, and a power cut of ClickHouse's
	// machine take rows that count as stored. It is for tables of the engine
	// family Plain on one server; others rest on replicas.
	NoFsync bool

	// Migrations make the tables. Tests try further ones.
	Migrations fs.FS `json:"-"` // default: migrations.Files
}

// TLS says how to check the server and how to show who we are: as for the
// broker.
type TLS = broker.TLS

func (c Config) withDefaults() Config {
	if c.Database == "" {
		c.Database = DefaultDatabase
	}
	if c.User == "" {
		c.User = defaultUser
	}
	if c.Engine == "" {
		c.Engine = Plain
	}
	if c.Migrations == nil {
		c.Migrations = migrations.Files
	}
	return c
}

// Names that need no quoting, in DDL either.
var (
	validDatabase = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,62}$`)
	validCluster  = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,128}$`)
)

// Validate reports all that is wrong, together. It reads the files the Config
// names but opens no connection.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if len(c.Addr) == 0 {
		bad("no ClickHouse address given: name at least one as host:port of the native protocol")
	}
	for _, a := range c.Addr {
		host, port, err := net.SplitHostPort(a)
		if n, perr := strconv.Atoi(port); err != nil || perr != nil || host == "" || n < 1 || n > 65535 {
			bad("address %q: give it as host:port of the native protocol (9000, or 9440 with TLS)", a)
		}
	}
	if !validDatabase.MatchString(c.Database) {
		bad("database %q: use letters, digits and underscores, at most 63, not beginning with a digit", c.Database)
	}
	if c.Password != "" && c.PasswordFile != "" {
		bad("password and password file are both given: give one")
	} else if _, err := c.password(); err != nil {
		errs = append(errs, err)
	}
	switch c.Engine {
	case Plain:
		if c.Cluster != "" {
			bad("cluster %q is given with engine plain: set the engine to replicated, or leave the cluster out", c.Cluster)
		}
	case Replicated:
		if !validCluster.MatchString(c.Cluster) {
			bad("cluster %q: engine replicated needs the cluster's name (letters, digits, dots, dashes, underscores)", c.Cluster)
		}
	default:
		bad("engine %q: use %s (also for ClickHouse Cloud) or %s", c.Engine, Plain, Replicated)
	}
	if _, err := c.TLS.Config(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("ClickHouse settings: %w", errors.Join(errs...))
}

func (c Config) password() (string, error) {
	if c.PasswordFile == "" {
		return c.Password, nil
	}
	b, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password file: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// String says where ClickHouse is and how it is reached, without the password.
func (c Config) String() string {
	c = c.withDefaults()
	return fmt.Sprintf("ClickHouse %s (database %s, user %s, tls %t)", strings.Join(c.Addr, ","), c.Database, c.User, c.TLS.Enabled)
}

// GoString keeps the password out of %#v.
func (c Config) GoString() string { return c.String() }
