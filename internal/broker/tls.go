package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/rs/zerolog"
)

// Config is the crypto/tls configuration of a client, or nil where TLS is off.
// All problems are reported together.
func (t TLS) Config() (*tls.Config, error) {
	if !t.Enabled {
		if t != (TLS{}) {
			return nil, errors.New("TLS files or a server name are given but TLS is off: switch it on or leave them out")
		}
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	var errs []error
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("read TLS CA file: %w", err))
		} else {
			conf.RootCAs = x509.NewCertPool()
			if !conf.RootCAs.AppendCertsFromPEM(pem) {
				errs = append(errs, fmt.Errorf("TLS CA file %s holds no PEM certificate", t.CAFile))
			}
		}
	}
	switch {
	case (t.CertFile == "") != (t.KeyFile == ""):
		errs = append(errs, errors.New("TLS certificate and key files belong together: give both or neither"))
	case t.CertFile != "":
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("load TLS certificate %s with key %s: %w", t.CertFile, t.KeyFile, err))
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return conf, nil
}

// IsTLSError reports a failed TLS handshake: a server that must not be trusted,
// or one that speaks no TLS.
func IsTLSError(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.UnknownAuthorityError](err)
	return ok
}

// IsLoopback reports whether host:port is an address of this machine, so that
// what is sent there crosses no network.
func IsLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// WarnUnencrypted logs a warning for each address of a server where a password
// is used over a network without TLS. flag names the setting that helps.
func WarnUnencrypted(log zerolog.Logger, server string, addrs []string, flag string) {
	for _, addr := range addrs {
		if !IsLoopback(addr) {
			log.Warn().Str("address", addr).Msg("the password for " + server +
				" is used without TLS, so others on the network can read or guess it: give " + flag)
		}
	}
}
