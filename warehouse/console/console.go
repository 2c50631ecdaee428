// Package console serves ClickHouse's own web pages, /play and /dashboard, to
// whoever has their addresses. No password is typed.
//
// It is a reverse proxy on a free loopback port that adds a read-only user's
// credentials. What it promises:
//
//   - A request gets those credentials only with the random token that is the
//     first segment of the path. A request with another Host header is refused,
//     so that no page on the web can send one through a name that it has made
//     resolve to this address.
//   - It forwards the two pages, their scripts and queries, and nothing else,
//     to one address.
//   - Queries only read: the user is read-only, and each query is sent with the
//     setting readonly too. Users, passwords and settings that a page sends are
//     dropped.
//
// Whoever has an address can read what the user can read, so it is a secret. It
// is another one in each run.
package console

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Options say what a console shows, and as whom.
type Options struct {
	// ClickHouseHTTP is the address of ClickHouse's HTTP interface: host:port, or
	// a URL that begins with http:// or https://.
	ClickHouseHTTP string

	// User has to be one that may only read, with the setting readonly at 1 or
	// 0: the console asks for 1 with each query.
	User     string
	Password string

	// Database is the one that queries mean when they name none.
	Database string

	Transport http.RoundTripper // nil: one of the console's own
	Log       zerolog.Logger
}

// A Console is a proxy that listens. It answers while Run runs.
type Console struct {
	origin   string // "http://127.0.0.1:port"
	token    string
	short    map[string]string // short addresses: last segment of the path → what it redirects to
	listener net.Listener
	server   *http.Server
	idle     func() // closes what the transport keeps open
}

// Open listens on a free port of loopback.
func Open(ctx context.Context, o Options) (*Console, error) {
	target, err := targetURL(o.ClickHouseHTTP)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the console's port: %w", err)
	}
	var secret [16]byte
	rand.Read(secret[:]) // never fails: it ends the process instead
	c := &Console{
		origin:   "http://" + listener.Addr().String(),
		token:    hex.EncodeToString(secret[:]),
		short:    map[string]string{},
		listener: listener,
		idle:     func() {},
	}
	if o.Transport == nil {
		own := &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}
		o.Transport, c.idle = own, own.CloseIdleConnections
	}
	c.server = &http.Server{
		Handler:           c.gate(newProxy(target, o)),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		// What net/http logs is about single connections of a browser.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return c, nil
}

func targetURL(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	target, err := url.Parse(address)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, errors.Join(fmt.Errorf("open the console: ClickHouse's HTTP address %q is not host:port", address), err)
	}
	return target, nil
}

// Run answers until ctx is done, which is no error. It is called once; the
// console is closed when it returns.
func (c *Console) Run(ctx context.Context) error {
	defer c.idle()
	served := make(chan error, 1)
	go func() { served <- c.server.Serve(c.listener) }()
	select {
	case err := <-served:
		if errors.Is(err, http.ErrServerClosed) { // by Close
			return nil
		}
		return fmt.Errorf("serve the console: %w", err)
	case <-ctx.Done():
	}
	// A query may run for long, and the program does not wait for it to end.
	grace, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if c.server.Shutdown(grace) != nil {
		c.server.Close()
	}
	<-served //nolint:errcheck // Serve ends with Shutdown or Close
	return nil
}

// Close releases the port and ends Run. Run closes the console itself when it
// returns, so Close is for a console that is never run.
func (c *Console) Close() error {
	err := c.server.Close()
	if e := c.listener.Close(); err == nil && !errors.Is(e, net.ErrClosed) {
		err = e
	}
	return err
}
