package cli

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"clickstream/internal/broker"
	"clickstream/internal/event"
	"clickstream/internal/event/rules"
	"clickstream/warehouse"
)

// groups are the headings of --help.
var groups = []kong.Group{
	{Key: "kafka", Title: "Broker (default: the one of the instance running in the folder, or an embedded one)"},
	{Key: "clickhouse", Title: "ClickHouse (default: the one of the instance running in the folder, or an embedded one)"},
	{Key: "rule", Title: "Alert rules"},
	{Key: "notify", Title: "Notices of alerts"},
}

// engineFlags say where the broker and ClickHouse are.
type engineFlags struct {
	kafkaFlags
	clickhouseFlags
}

type kafkaFlags struct {
	KafkaBrokers           []string             `group:"kafka" placeholder:"HOST:PORT" help:"Addresses of Redpanda or Kafka."`
	KafkaTLS               bool                 `group:"kafka" name:"kafka-tls" help:"Connect with TLS."`
	KafkaTLSCA             string               `group:"kafka" name:"kafka-tls-ca" placeholder:"FILE" help:"Certificates of the authorities that the broker's certificate is checked against (default: the system's)."`
	KafkaTLSCert           string               `group:"kafka" name:"kafka-tls-cert" placeholder:"FILE" help:"The client's certificate."`
	KafkaTLSKey            string               `group:"kafka" name:"kafka-tls-key" placeholder:"FILE" help:"The key of the client's certificate."`
	KafkaSASLMechanism     string               `group:"kafka" name:"kafka-sasl-mechanism" enum:",PLAIN,SCRAM-SHA-256,SCRAM-SHA-512" default:"" placeholder:"NAME" help:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."`
	KafkaSASLUser          string               `group:"kafka" name:"kafka-sasl-user" placeholder:"NAME" help:"User; the password is in $$CLICKSTREAM_KAFKA_SASL_PASSWORD or a file."`
	KafkaSASLPasswordFile  string               `group:"kafka" name:"kafka-sasl-password-file" placeholder:"FILE" help:"A file that holds the password."`
	KafkaTopicPrefix       string               `group:"kafka" placeholder:"TEXT" help:"Prefix of the names of topics and consumer groups, so that several pipelines can share a cluster."`
	KafkaPartitions        int32                `group:"kafka" default:"12" help:"Partitions of topics that do not exist yet (${default})."`
	KafkaReplicationFactor int16                `group:"kafka" default:"0" help:"Replicas of topics that do not exist yet (0: the broker's default)."`
	KafkaRetention         time.Duration        `group:"kafka" default:"0" placeholder:"DURATION" help:"How long events and alerts are kept in topics that do not exist yet (0: for ever). Tables cannot be rebuilt from deleted events, and windows that begin among them are not judged."`
	KafkaPassOver          []broker.OffsetRange `group:"kafka" placeholder:"TOPIC/PARTITION/FIRST-LAST" help:"Offsets to pass over, as a gap, if the batch that holds them cannot be read."`
}

type clickhouseFlags struct {
	ClickhouseAddr         []string `group:"clickhouse" placeholder:"HOST:PORT" help:"Native addresses of ClickHouse."`
	ClickhouseDatabase     string   `group:"clickhouse" default:"clickstream" placeholder:"NAME" help:"Database (${default})."`
	ClickhouseUser         string   `group:"clickhouse" default:"clickstream" placeholder:"NAME" help:"User (${default}); the password is in $$CLICKSTREAM_CLICKHOUSE_PASSWORD or a file."`
	ClickhousePasswordFile string   `group:"clickhouse" placeholder:"FILE" help:"A file that holds the password."`
	ClickhouseTLS          bool     `group:"clickhouse" name:"clickhouse-tls" help:"Connect with TLS."`
	ClickhouseTLSCA        string   `group:"clickhouse" name:"clickhouse-tls-ca" placeholder:"FILE" help:"Certificates of the authorities that the server's certificate is checked against (default: the system's)."`
	ClickhouseEngine       string   `group:"clickhouse" enum:"plain,replicated" default:"plain" placeholder:"NAME" help:"Engine family of new tables: plain (also for ClickHouse Cloud) or replicated."`
	ClickhouseFsync        bool     `group:"clickhouse" name:"clickhouse-fsync" default:"true" negatable:"" help:"Tables of one server survive its power cut: an insert waits for the disk (on). ClickHouse Cloud and replicated tables rest on their replicas."`
	ClickhouseCluster      string   `group:"clickhouse" placeholder:"NAME" help:"Cluster that replicated tables are created on."`
}

// Secrets come from the environment or from files, never from flags: a command
// line can be read by every user of the machine.
const (
	envKafkaPassword      = "CLICKSTREAM_KAFKA_SASL_PASSWORD"
	envClickHousePassword = "CLICKSTREAM_CLICKHOUSE_PASSWORD"
	envWriteKeys          = "CLICKSTREAM_WRITE_KEYS" // NAME:SECRET,…
	envNotifySecret       = "CLICKSTREAM_NOTIFY_SECRET"
)

func (f *kafkaFlags) broker() broker.Config {
	return broker.Config{
		Brokers: f.KafkaBrokers,
		TLS: broker.TLS{
			Enabled: f.KafkaTLS || f.KafkaTLSCA != "" || f.KafkaTLSCert != "",
			CAFile:  f.KafkaTLSCA, CertFile: f.KafkaTLSCert, KeyFile: f.KafkaTLSKey,
		},
		SASL: broker.SASL{
			Mechanism: f.KafkaSASLMechanism, User: f.KafkaSASLUser,
			Password: os.Getenv(envKafkaPassword), PasswordFile: f.KafkaSASLPasswordFile,
		},
		TopicPrefix: f.KafkaTopicPrefix, Partitions: f.KafkaPartitions, ReplicationFactor: f.KafkaReplicationFactor,
		EventsRetention: f.KafkaRetention, AlertsRetention: f.KafkaRetention,
		PassOver: f.KafkaPassOver,
	}
}

func (f *clickhouseFlags) clickhouse() warehouse.Config {
	return warehouse.Config{
		Addr: f.ClickhouseAddr, Database: f.ClickhouseDatabase,
		User: f.ClickhouseUser, Password: os.Getenv(envClickHousePassword), PasswordFile: f.ClickhousePasswordFile,
		TLS:    warehouse.TLS{Enabled: f.ClickhouseTLS || f.ClickhouseTLSCA != "", CAFile: f.ClickhouseTLSCA},
		Engine: f.ClickhouseEngine, Cluster: f.ClickhouseCluster, NoFsync: !f.ClickhouseFsync,
	}
}

// check reports every problem of the flags together, before anything is opened.
func (f *engineFlags) check() error {
	var errs []error
	if len(f.KafkaBrokers) > 0 {
		errs = append(errs, f.broker().Validate())
	}
	if len(f.ClickhouseAddr) > 0 {
		errs = append(errs, f.clickhouse().Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return usageError{err}
	}
	return nil
}

// folderFlags name the folder of an instance.
type folderFlags struct {
	DataDir  string `default:".clickstream" placeholder:"DIR" help:"The instance's folder: data of embedded engines, addresses of a running one (${default})."`
	LogLevel string `enum:"debug,info,warn,error" default:"warn" placeholder:"LEVEL" help:"debug, info, warn or error (${default})."`
}

// ruleFlags say by which rules windows are judged from now on.
type ruleFlags struct {
	Rules string `group:"rule" placeholder:"FILE" help:"Put the rules of this YAML file in force (- is standard input). Without it, and without the flags that follow, those in force on the log stay."`
	saleFlags
}

// saleFlags are the short form for the one rule flash_sale.
type saleFlags struct {
	ViewsOver      *int           `group:"rule" placeholder:"N" help:"Alert when a product has more views than this in a window (100)."`
	PurchasesUnder *int           `group:"rule" placeholder:"N" help:"And fewer purchases than this in the same window (5)."`
	Window         *time.Duration `group:"rule" placeholder:"DURATION" help:"Length of a window (10m)."`
	Slide          *time.Duration `group:"rule" placeholder:"DURATION" help:"Time from the start of one window to the start of the next (1m)."`
	Lateness       *time.Duration `group:"rule" placeholder:"DURATION" help:"How late an event may come and still count (1m)."`
}

// rule is the one that the flags say, and whether any is given; each of the others
// is then as in the default rule.
func (f saleFlags) rule() (r event.Rule, given bool, err error) {
	r = event.DefaultRule()
	given = set(&r.ViewsOver, f.ViewsOver)
	given = set(&r.PurchasesUnder, f.PurchasesUnder) || given
	given = set(&r.Window, f.Window) || given
	given = set(&r.Slide, f.Slide) || given
	given = set(&r.Lateness, f.Lateness) || given
	if err := r.Validate(); err != nil {
		return r, given, usageError{err}
	}
	return r, given, nil
}

func set[T any](to, given *T) bool {
	if given != nil {
		*to = *given
	}
	return given != nil
}

// set is the rule set to put in force; nil where none is given.
func (f ruleFlags) set(in io.Reader) (*rules.Set, error) {
	rule, given, err := f.rule()
	switch {
	case err != nil:
		return nil, err
	case given && f.Rules != "":
		return nil, usagef("rules %s: a rules file and flags of one rule, such as --views-over, are given: give one or the other, not both", f.Rules)
	case given:
		return rules.FlashSale(rule)
	case f.Rules == "":
		return nil, nil
	}
	return parseRules(in, "--rules", f.Rules)
}

// zoneFlag is the shop's time zone: where its days begin.
type zoneFlag struct {
	Timezone string `default:"UTC" placeholder:"ZONE" help:"The shop's time zone, as in Europe/Berlin (${default})."`
}

func (f zoneFlag) location() (*time.Location, error) {
	if strings.EqualFold(f.Timezone, "local") {
		return nil, usagef("timezone %q: name the zone, as in Europe/Berlin: days must not depend on the machine", f.Timezone)
	}
	loc, err := time.LoadLocation(f.Timezone)
	if err != nil {
		return nil, usagef("timezone %q is not known: give a name as in Europe/Berlin", f.Timezone)
	}
	return loc, nil
}
