package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Defaults of a Config's empty fields.
const (
	defaultClientID         = "clickstream"
	DefaultPartitions int32 = 12
)

// Config is how to reach the Kafka API and what our topics look like there.
// The zero value of every field but Brokers is usable.
type Config struct {
	// Brokers are host:port addresses to start from; one that answers is enough.
	Brokers  []string
	ClientID string // default "clickstream"
	TLS      TLS
	SASL     SASL

	// TopicPrefix is put before each topic and consumer group name, so that
	// several pipelines or tests can share a cluster. Empty in normal use.
	TopicPrefix string

	// Partitions and ReplicationFactor are used for topics we create.
	Partitions        int32 // default 12
	ReplicationFactor int16 // 0: the broker's default

	// Retention of topics we create. For events and alerts 0 keeps records for
	// ever; for the inbound and the rejected topic 0 leaves it to
	// the broker.
	EventsRetention, AlertsRetention, DataRetention, RejectedRetention time.Duration

	// PassOver are offsets to read on behind where the batch that holds them cannot
	// be read. All who read the topic should have the same.
	PassOver []OffsetRange

	// Log gets the client's warnings. The zero value is silent.
	Log zerolog.Logger

	// Dial opens connections in the place of TCP, for a simulated network. It
	// does not go with TLS.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-"`
}

// TLS says how to check a server and, with CertFile and KeyFile, how to
// show who we are.
type TLS struct {
	Enabled    bool
	CAFile     string // PEM; empty: the system's authorities
	CertFile   string // PEM
	KeyFile    string // PEM
	ServerName string // empty: the host name dialled
}

// SASL is how we log in. A password file is read again for each connection, so
// a changed password needs no restart.
type SASL struct {
	Mechanism    string // "", "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512"
	User         string
	Password     string `json:"-"`
	PasswordFile string // its content, without trailing line ends, is the password
}

// Topics are the names of our topics, prefix included.
type Topics struct {
	Events   string // the log
	Inbound  string // the inbound topic, for other producers
	Alerts   string
	Rejected string
	Rules    string // rule sets by their hash
	// Notifications is the notifier's ledger.
	Notifications string
}

// Topics returns the topic names of this pipeline.
func (c Config) Topics() Topics {
	return Topics{
		Events:   c.TopicPrefix + "ecom_clickstream_events",
		Inbound:  c.TopicPrefix + "ecom_clickstream_data",
		Alerts:   c.TopicPrefix + "flash_sale_alerts",
		Rejected: c.TopicPrefix + "ecom_clickstream_rejected",
		Rules:    c.TopicPrefix + "clickstream_rules",

		Notifications: c.TopicPrefix + "clickstream_notifications",
	}
}

// Group returns the consumer group name of a role: "mirror", "processor",
// "normaliser" or "notifier".
func (c Config) Group(role string) string { return c.TopicPrefix + "clickstream-" + role }

func (c Config) clientID() string {
	if c.ClientID == "" {
		return defaultClientID
	}
	return c.ClientID
}

func (c Config) partitions() int32 {
	if c.Partitions == 0 {
		return DefaultPartitions
	}
	return c.Partitions
}

// Kafka's rule for names; the longest of ours has 25 characters of the 249.
var validPrefix = regexp.MustCompile(`^[a-zA-Z0-9._-]{0,200}$`)

var mechanisms = []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}

// Validate reports all that is wrong, together. It reads the files the Config
// names but opens no connection.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if len(c.Brokers) == 0 {
		bad("no Kafka brokers given: name at least one as host:port")
	}
	for _, b := range c.Brokers {
		if err := checkAddress(b); err != nil {
			errs = append(errs, err)
		}
	}
	if !validPrefix.MatchString(c.TopicPrefix) {
		bad("topic prefix %q: use at most 200 letters, digits, dots, dashes and underscores", c.TopicPrefix)
	}
	if c.Partitions < 0 {
		bad("partitions %d: give a positive number, or 0 for %d", c.Partitions, DefaultPartitions)
	}
	if c.ReplicationFactor < 0 {
		bad("replication factor %d: give a positive number, or 0 for the broker's default", c.ReplicationFactor)
	}
	for _, r := range []struct {
		topic     string
		retention time.Duration
	}{{"events", c.EventsRetention}, {"alerts", c.AlertsRetention}, {"data", c.DataRetention}, {"rejected", c.RejectedRetention}} {
		if r.retention != 0 && r.retention < time.Millisecond {
			bad("retention of %s %s: give at least 1ms, or 0 for no limit of ours", r.topic, r.retention)
		}
	}
	if _, err := c.TLS.Config(); err != nil {
		errs = append(errs, err)
	}
	if c.Dial != nil && c.TLS.Enabled {
		bad("a Dial of your own and TLS are both given: give one")
	}
	errs = append(errs, c.SASL.problems()...)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("kafka settings: %w", errors.Join(errs...))
}

func checkAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return fmt.Errorf("kafka broker %q: give it as host:port", addr)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("kafka broker %q: the port must be 1 to 65535", addr)
	}
	return nil
}

func (s SASL) problems() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Mechanism == "" {
		if s.User != "" || s.Password != "" || s.PasswordFile != "" {
			bad("SASL user or password given without a mechanism: name one of %s", strings.Join(mechanisms, ", "))
		}
		return errs
	}
	if !slices.Contains(mechanisms, s.Mechanism) {
		bad("SASL mechanism %q: use one of %s", s.Mechanism, strings.Join(mechanisms, ", "))
	}
	if s.User == "" {
		bad("SASL %s needs a user", s.Mechanism)
	}
	switch {
	case s.Password != "" && s.PasswordFile != "":
		bad("SASL password and password file are both given: give one")
	case s.Password == "" && s.PasswordFile == "":
		bad("SASL %s needs a password or a password file", s.Mechanism)
	default:
		if _, err := s.password(); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (s SASL) password() (string, error) {
	if s.PasswordFile == "" {
		return s.Password, nil
	}
	b, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read SASL password file: %w", err)
	}
	p := strings.TrimRight(string(b), "\r\n")
	if p == "" {
		return "", fmt.Errorf("SASL password file %s is empty", s.PasswordFile)
	}
	return p, nil
}

// String returns mechanism and user, without the password.
func (s SASL) String() string {
	switch {
	case s.Mechanism == "":
		return "none"
	case s.PasswordFile != "":
		return fmt.Sprintf("%s as %s (password from %s)", s.Mechanism, s.User, s.PasswordFile)
	default:
		return fmt.Sprintf("%s as %s (password hidden)", s.Mechanism, s.User)
	}
}

// hint names what may be the reason: an address where nothing listens, TLS or
// SASL on one side only, or the account, for a broker need not say more about a
// wrong password than to close the connection.
func (c Config) hint(err error) string {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return " (nothing answers there: start the broker, or check the address)"
	}
	var hints string
	if c.SASL.Mechanism != "" && (errors.Is(err, io.EOF) || errors.Is(err, kerr.SaslAuthenticationFailed)) {
		hints = fmt.Sprintf(" with SASL %s (check user and password)", c.SASL)
	}
	if isFirstReadEOF(err) {
		hints += " (check that TLS is on on both sides or on neither, and SASL too)"
	}
	return hints
}

// GoString keeps the password out of %#v.
func (s SASL) GoString() string { return s.String() }

// String returns the brokers and how they are reached, without the password.
func (c Config) String() string {
	return fmt.Sprintf("kafka %s (tls %t, sasl %s)", strings.Join(c.Brokers, ","), c.TLS.Enabled, c.SASL)
}

// GoString keeps the password out of %#v.
func (c Config) GoString() string { return c.String() }

// MarshalZerologObject logs the Config without the password.
func (c Config) MarshalZerologObject(e *zerolog.Event) {
	e.Strs("brokers", c.Brokers).Str("client_id", c.clientID()).
		Bool("tls", c.TLS.Enabled).Stringer("sasl", c.SASL)
	if c.TopicPrefix != "" {
		e.Str("topic_prefix", c.TopicPrefix)
	}
}
