package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"clickstream/internal/broker"
	"clickstream/internal/grace"
)

// The oldest server that knows all our settings.
const minMajor, minMinor = 26, 3

const (
	dialTimeout = 5 * time.Second
	// A server that sends nothing for this long is asked again: during a long
	// query it sends progress many times a second.
	readTimeout = time.Minute
	// A handshake takes milliseconds, and more than a second on a machine that is
	// busy with other things.
	handshakeGrace = 3 * time.Second
)

// pinned are the settings of every connection. Servers since 26.2 insert
// asynchronously and leave out inserts that look alike, unless settings forbid it.
var pinned = map[string]string{
	"async_insert": "0",
	// Two inserts with the same rows are two inserts: identity makes them one.
	"insert_deduplicate":                                 "0",
	"deduplicate_insert":                                 "disable",
	"async_insert_deduplicate":                           "0",
	"insert_select_deduplicate":                          "0",
	"deduplicate_insert_select":                          "disable",
	"deduplicate_blocks_in_dependent_materialized_views": "0",
	// A batch may hold any number of days.
	"max_partitions_per_insert_block": "0",
	// An insert into a replicated table is acknowledged by most of its replicas.
	// Inserts of several mirrors do not wait for one another. Other tables
	// ignore it.
	"insert_quorum":          "auto",
	"insert_quorum_parallel": "1",
	// Less than readTimeout: the server says itself that there was no quorum.
	"insert_quorum_timeout": "30000",
	// For ClickHouse Cloud, whose servers are read in turn: each knows the rows
	// that another has acknowledged. Replicated tables do not have that with
	// inserts in parallel; syncReplicas does it there.
	"select_sequential_consistency": "1",
}

// Warehouse is an open connection pool. It may be used by several goroutines.
type Warehouse struct {
	cfg  Config
	log  zerolog.Logger
	opts clickhouse.Options
	conn driver.Conn
	next atomic.Uint32 // address to dial next

	replicas replicas
	hangups  hangups
}

// Open connects, creates the database where it is missing and checks the
// server's version. It does not migrate. The caller closes the Warehouse.
func Open(ctx context.Context, cfg Config, log zerolog.Logger) (*Warehouse, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	w := &Warehouse{cfg: cfg, log: log, hangups: hangups{dialer: net.Dialer{Timeout: dialTimeout}, timeout: hangupTimeout}}
	if err := w.open(ctx); err != nil {
		w.hangups.wait()
		return nil, fmt.Errorf("open %s: %w", cfg, err)
	}
	return w, nil
}

func (w *Warehouse) open(ctx context.Context) error {
	password, err := w.cfg.password()
	if err != nil {
		return err
	}
	tlsConf, err := w.cfg.TLS.Config()
	if err != nil {
		return err
	}
	settings := make(clickhouse.Settings, len(pinned))
	for name, value := range pinned {
		settings[name] = value
	}
	w.opts = clickhouse.Options{
		Addr:         w.cfg.Addr,
		Auth:         clickhouse.Auth{Database: w.cfg.Database, Username: w.cfg.User, Password: password},
		TLS:          tlsConf,
		Settings:     settings,
		DialTimeout:  dialTimeout,
		ReadTimeout:  readTimeout,
		MaxOpenConns: 16,
		DialStrategy: w.replicas.dial,
	}
	if tlsConf == nil {
		w.opts.DialContext = func(ctx context.Context, addr string) (net.Conn, error) {
			return w.hangups.DialContext(context.WithoutCancel(ctx), "tcp", addr)
		}
	}
	if err := w.ensureDatabase(ctx); err != nil {
		return err
	}
	conn, err := w.ping(ctx, w.opts)
	if err != nil {
		return explain(err, w.cfg)
	}
	w.conn = conn
	if err := w.checkCluster(ctx); err != nil {
		return errors.Join(err, conn.Close())
	}
	return nil
}

// ping opens a pool, tries it and checks the version.
func (w *Warehouse) ping(ctx context.Context, opts clickhouse.Options) (driver.Conn, error) {
	// The library keeps and fills in the Options it is given.
	opts.Settings = maps.Clone(opts.Settings)
	conn, err := clickhouse.Open(&opts)
	if err != nil {
		return nil, err
	}
	version, err := conn.ServerVersion()
	if err == nil {
		if v := version.Version; v.Major < minMajor || v.Major == minMajor && v.Minor < minMinor {
			err = fmt.Errorf("the server is ClickHouse %d.%d; at least %d.%d is needed: upgrade it, or give the address of another", v.Major, v.Minor, minMajor, minMinor)
		} else {
			// The version comes with the handshake; settings only with a query.
			err = conn.Exec(ctx, "SELECT 1")
		}
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// ensureDatabase connects to the database that every server has, because a
// database that does not exist cannot be connected to.
func (w *Warehouse) ensureDatabase(ctx context.Context) (err error) {
	opts := w.opts
	opts.Auth.Database = "default"
	conn, err := w.ping(ctx, opts)
	if err != nil {
		return explain(err, w.cfg)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// The name has been checked: it needs no quoting.
	var there uint8
	if err := conn.QueryRow(ctx, "EXISTS DATABASE "+w.cfg.Database).Scan(&there); err != nil {
		return fmt.Errorf("look for database %s: %w", w.cfg.Database, err)
	}
	if there == 1 {
		return nil
	}
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+w.cfg.Database+w.cfg.onCluster()); err != nil {
		return fmt.Errorf("create database %s (or have an administrator create it): %w", w.cfg.Database, err)
	}
	return nil
}

func (c Config) onCluster() string {
	if c.Engine != Replicated {
		return ""
	}
	return " ON CLUSTER '" + c.Cluster + "'"
}

// httpPacket is how the client reports an answer that begins with the H of HTTP.
const httpPacket = "unexpected packet [72]"

// explained is an error in words that say more than its own.
type explained struct {
	message string
	err     error
}

func (e explained) Error() string { return e.message }
func (e explained) Unwrap() error { return e.err }

// explain adds which setting to check.
func explain(err error, cfg Config) error {
	switch codeOf(err) {
	case codeAuthFailed, codeWrongPassword, codeUnknownUser:
		// What ClickHouse says besides is a page on how to set passwords.
		return explained{fmt.Sprintf("user %q or its password is refused: check the user, the password or the password file", cfg.User), err}
	case codeUnknownDatabase:
		return fmt.Errorf("database %q does not exist: check the name: %w", cfg.Database, err)
	case codeUnknownSetting:
		return fmt.Errorf("the server does not know a setting that is needed: use ClickHouse %d.%d or newer: %w", minMajor, minMinor, err)
	}
	if broker.IsTLSError(err) {
		return fmt.Errorf("no trusted TLS connection: check the TLS settings and the CA file: %w", err)
	}
	if strings.Contains(err.Error(), httpPacket) {
		return explained{"this port speaks HTTP: give the port of the native protocol, 9000 by default, or 9440 with TLS", err}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("nothing answers at the address: start ClickHouse or check the address (native protocol: 9000, or 9440 with TLS): %w", err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("the server closed the connection: check that the port speaks the native protocol, and that both sides use TLS or neither does: %w", err)
	}
	return err
}

// Conn is the pool, of the database, with the pinned settings.
func (w *Warehouse) Conn() driver.Conn { return w.conn }

// Dial opens one connection of the block-wise client for the hot paths: the
// same server, database and pinned settings. The caller closes it.
func (w *Warehouse) Dial(ctx context.Context) (*ch.Client, error) {
	addr := w.cfg.Addr[int(w.next.Add(1)-1)%len(w.cfg.Addr)]
	settings := make([]ch.Setting, 0, len(pinned))
	for name, value := range pinned {
		settings = append(settings, ch.Setting{Key: name, Value: value, Important: true})
	}
	opts := ch.Options{
		Address: addr, Database: w.cfg.Database,
		User: w.cfg.User, Password: w.opts.Auth.Password,
		TLS: w.opts.TLS, DialTimeout: dialTimeout, HandshakeTimeout: 10 * time.Second, ReadTimeout: readTimeout,
		ClientName: "clickstream", Settings: settings,
		// Compressing costs more than a loopback carries.
		Compression: ch.CompressionLZ4,
	}
	if broker.IsLoopback(addr) {
		opts.Compression = ch.CompressionDisabled
	}
	if opts.TLS == nil {
		opts.Dialer = &w.hangups
	}
	// A handshake that is broken off in the middle ends the embedded ClickHouse:
	// one that is under way when ctx ends has a moment to finish.
	handshake, cancel := grace.Context(ctx, handshakeGrace)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, err := ch.Dial(handshake, opts)
	if err == nil && ctx.Err() != nil {
		err = errors.Join(ctx.Err(), client.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("connect to ClickHouse %s: %w", addr, err)
	}
	return client, nil
}

// Do runs a query on a client from Dial. It ends when ctx does: the client by
// itself checks ctx only when the server has sent something, or after the read
// timeout.
func Do(ctx context.Context, client *ch.Client, q ch.Query) error {
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	return client.Do(ctx, q)
}

// Close ends all connections.
func (w *Warehouse) Close() error {
	err := w.conn.Close()
	w.hangups.wait()
	return err
}
