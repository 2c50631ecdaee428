package broker_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"clickstream/internal/broker"
)

func TestValidateReportsAllProblemsTogether(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := broker.Config{
		Brokers:         []string{"nowhere", "host:99999", "fine:9092"},
		TopicPrefix:     "a b",
		Partitions:      -1,
		EventsRetention: -time.Hour,
		TLS:             broker.TLS{Enabled: true, CAFile: empty, CertFile: "cert.pem"},
		SASL:            broker.SASL{Mechanism: "GSSAPI", PasswordFile: empty},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("a Config full of mistakes was taken for a good one")
	}
	for _, want := range []string{
		`kafka broker "nowhere": give it as host:port`,
		`kafka broker "host:99999": the port must be 1 to 65535`,
		`topic prefix "a b"`,
		"partitions -1",
		"retention of events -1h0m0s",
		"holds no PEM certificate",
		"TLS certificate and key files belong together",
		`SASL mechanism "GSSAPI": use one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512`,
		"SASL GSSAPI needs a user",
		"SASL password file " + empty + " is empty",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if _, err := broker.Open(cfg); err == nil {
		t.Error("NewClient took a Config that is not valid")
	}
}

func TestValidateMessages(t *testing.T) {
	tests := map[string]struct {
		cfg  broker.Config
		want string // empty: valid
	}{
		"nothing":             {broker.Config{}, "no Kafka brokers given"},
		"address alone":       {broker.Config{Brokers: []string{"localhost:9092"}}, ""},
		"IPv6":                {broker.Config{Brokers: []string{"[::1]:9092"}}, ""},
		"TLS files, TLS off":  {broker.Config{Brokers: []string{"h:1"}, TLS: broker.TLS{CAFile: "ca.pem"}}, "TLS is off"},
		"no CA file":          {broker.Config{Brokers: []string{"h:1"}, TLS: broker.TLS{Enabled: true, CAFile: "/not/there"}}, "read TLS CA file"},
		"user, no mechanism":  {broker.Config{Brokers: []string{"h:1"}, SASL: broker.SASL{User: "u", Password: "p"}}, "without a mechanism"},
		"two passwords":       {broker.Config{Brokers: []string{"h:1"}, SASL: broker.SASL{Mechanism: "PLAIN", User: "u", Password: "p", PasswordFile: "f"}}, "give one"},
		"no password":         {broker.Config{Brokers: []string{"h:1"}, SASL: broker.SASL{Mechanism: "PLAIN", User: "u"}}, "needs a password or a password file"},
		"no password file":    {broker.Config{Brokers: []string{"h:1"}, SASL: broker.SASL{Mechanism: "PLAIN", User: "u", PasswordFile: "/not/there"}}, "read SASL password file"},
		"replication -1":      {broker.Config{Brokers: []string{"h:1"}, ReplicationFactor: -1}, "replication factor -1"},
		"retention under 1ms": {broker.Config{Brokers: []string{"h:1"}, DataRetention: time.Microsecond}, "retention of data"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.cfg.Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestPasswordIsInNoPrintedForm(t *testing.T) {
	const password = "hunter2-do-not-print"
	cfg := broker.Config{Brokers: []string{"h:1"}, SASL: broker.SASL{Mechanism: "PLAIN", User: "shop", Password: password}}
	var logged bytes.Buffer
	log := zerolog.New(&logged)
	log.Info().Object("kafka", cfg).Interface("any", cfg.SASL).Msg("")
	for _, text := range []string{
		fmt.Sprint(cfg), fmt.Sprintf("%v %+v %#v %s %q", cfg, cfg, cfg, cfg, cfg), fmt.Sprintf("%+v %#v", cfg.SASL, &cfg.SASL),
		fmt.Sprintf("%v", struct{ C broker.Config }{cfg}), logged.String(),
	} {
		if strings.Contains(text, password) {
			t.Errorf("the password is in %q", text)
		}
		if !strings.Contains(text, "shop") {
			t.Errorf("the user is not in %q", text)
		}
	}
}

func TestNamesCarryThePrefix(t *testing.T) {
	cfg := broker.Config{TopicPrefix: "blue-"}
	want := broker.Topics{Events: "blue-ecom_clickstream_events", Inbound: "blue-ecom_clickstream_data", Alerts: "blue-flash_sale_alerts", Rejected: "blue-ecom_clickstream_rejected", Rules: "blue-clickstream_rules", Notifications: "blue-clickstream_notifications"}
	if got := cfg.Topics(); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := cfg.Group("mirror"); got != "blue-clickstream-mirror" {
		t.Errorf("got group %s", got)
	}
}
