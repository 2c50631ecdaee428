package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"clickstream/internal/broker"
	"clickstream/internal/broker/embedded"
	"clickstream/internal/testwait"
)

// certificate makes one for 127.0.0.1 that is its own authority.
func certificate(t *testing.T) (caFile string, cert tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test broker"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return caFile, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func secured(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	b, err := embedded.Start(t.TempDir(), embedded.Options{NoSync: true, Kafka: opts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b.Addr()
}

func TestSASLAndTLS(t *testing.T) {
	const password, wrong = "s3cret-right", "s3cret-wrong"
	caFile, cert := certificate(t)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			addr := secured(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "shop", password),
				kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
			var log testwait.Output
			cfg := broker.Config{
				Brokers: []string{addr},
				TLS:     broker.TLS{Enabled: true, CAFile: caFile},
				SASL:    broker.SASL{Mechanism: mechanism, User: "shop", Password: password},
				Log:     zerolog.New(&log),
			}
			ensure(t, cfg)

			file := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg.SASL.Password, cfg.SASL.PasswordFile = "", file
			ensure(t, cfg)

			cfg.SASL.Password, cfg.SASL.PasswordFile = wrong, ""
			_, err := client(t, cfg).EnsureTopics(deadline(t))
			if err == nil || !strings.Contains(err.Error(), "SASL "+mechanism+" as shop") {
				t.Fatalf("got %v for a wrong password, want it to say who was refused", err)
			}
			for _, text := range []string{err.Error(), log.String()} {
				if strings.Contains(text, wrong) || strings.Contains(text, password) {
					t.Errorf("the password is in %q", text)
				}
			}
		})
	}
}

func TestAServerThatMustNotBeTrustedIsFatal(t *testing.T) {
	caFile, cert := certificate(t)
	otherCA, _ := certificate(t)
	withTLS := secured(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	tests := map[string]broker.Config{
		"unknown authority": {Brokers: []string{withTLS}, TLS: broker.TLS{Enabled: true, CAFile: otherCA}},
		"wrong name":        {Brokers: []string{withTLS}, TLS: broker.TLS{Enabled: true, CAFile: caFile, ServerName: "another.example"}},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, cfg).EnsureTopics(deadline(t))
			if got := broker.Classify(err); got != broker.Fatal {
				t.Errorf("got %s: %v, want fatal", got, err)
			}
		})
	}
}

// To the client it looks as if a proxy had no broker behind it, so it may pass;
// but it is reported at once, with the settings to check.
func TestMissingSASLOrTLSIsReportedAtOnceAndMayPass(t *testing.T) {
	_, cert := certificate(t)
	tests := map[string]broker.Config{
		"plain to TLS": {Brokers: []string{secured(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))}},
		"no SASL":      {Brokers: []string{secured(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "shop", "right"))}},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // the client's own tries last 20
			defer cancel()
			_, err := client(t, cfg).EnsureTopics(ctx)
			if got := broker.Classify(err); got != broker.Retriable || ctx.Err() != nil {
				t.Errorf("got %s: %v, want retriable", got, err)
			}
			if err == nil || !strings.Contains(err.Error(), "check that TLS is on on both sides or on neither") {
				t.Errorf("the error does not name the settings to check: %v", err)
			}
		})
	}
}

func TestReadLogReportsARefusedReader(t *testing.T) {
	addr := secured(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "shop", "right"), kfake.User("PLAIN", "guest", "guest"))
	cfg := broker.Config{Brokers: []string{addr}, SASL: broker.SASL{Mechanism: "PLAIN", User: "shop", Password: "right"}}
	ensure(t, cfg)
	cfg.SASL = broker.SASL{Mechanism: "PLAIN", User: "guest", Password: "guest"}
	err := client(t, cfg).ReadLog(deadline(t), cfg.Topics().Events, nil, broker.Offsets{0: 1}, func(*kgo.Record) error { return nil })
	if broker.Classify(err) != broker.Fatal {
		t.Errorf("got %s: %v, want fatal", broker.Classify(err), err)
	}
}
