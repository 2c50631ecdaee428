package realkafka

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// run.sh starts the JVM and ends it when its standard input closes, as happens
// however our process ends.
//
//go:embed run.sh
var run string

// Server is a running Kafka: one node, on free loopback ports.
type Server struct {
	addr  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// Start starts Kafka in dir, or continues with what is there, and returns when
// it answers. It ends with this process at the latest.
func Start(ctx context.Context, dir string) (*Server, error) { return StartBehind(ctx, dir, nil) }

// StartBehind is Start of a Kafka that tells its clients to come to another
// address, such as a proxy's. Front is called at the first start in dir, with
// the address where Kafka is going to listen, and returns the other one.
func StartBehind(ctx context.Context, dir string, front func(addr string) (string, error)) (*Server, error) {
	s, err := start(ctx, dir, "keep", front)
	if err != nil {
		return nil, fmt.Errorf("start Apache Kafka in %s: %w", dir, err)
	}
	return s, nil
}

// StartTemporary is Start in a new folder that is removed when Kafka ends.
func StartTemporary(ctx context.Context) (*Server, error) {
	dir, err := os.MkdirTemp("", "clickstream-kafka-")
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, dir, "remove", nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Apache Kafka: %w", err), os.RemoveAll(dir))
	}
	return s, nil
}

func start(ctx context.Context, dir, atEnd string, front func(addr string) (string, error)) (*Server, error) {
	installed, err := installed(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("java"); err != nil {
		return nil, errors.New("java is not on the PATH: install Java 17, or run the tests without a real Kafka")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	properties := filepath.Join(dir, "server.properties")
	addr, err := configure(dir, properties, front)
	if err != nil {
		return nil, err
	}
	logPath := filepath.Join(dir, "kafka.log")
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	classpath := filepath.Join(installed, "libs", "*")
	if !isDir(filepath.Join(dir, "data")) {
		id, err := tool(ctx, classpath, "random-uuid")
		if err != nil {
			return nil, err
		}
		if _, err := tool(ctx, classpath, "format", "-t", strings.TrimSpace(id), "-c", properties); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("sh", "-c", run, "kafka", atEnd, dir, //nolint:noctx // Close ends it, not the context of its start
		"java", "-Xmx1g", "-cp", classpath, "kafka.Kafka", properties)
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{addr: addr, cmd: cmd, stdin: stdin}
	if err := s.ready(ctx, logPath); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

// Addr is the host:port to connect to.
func (s *Server) Addr() string { return s.addr }

// Close lets Kafka shut down in order and waits for its end.
func (s *Server) Close() error {
	_, err := io.WriteString(s.stdin, "stop\n")
	return errors.Join(err, s.cmd.Wait())
}

// Kill ends Kafka at once, as a crash would, and waits for its end.
func (s *Server) Kill() error {
	return errors.Join(s.stdin.Close(), s.cmd.Wait())
}

func (s *Server) ready(ctx context.Context, logPath string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.addr))
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		if cl.Ping(ctx) == nil {
			return nil
		}
		out, _ := os.ReadFile(logPath)
		if ctx.Err() != nil || bytes.Contains(out, []byte("Exiting Kafka")) {
			return fmt.Errorf("it has not started; its log ends with:\n%s", out[max(0, len(out)-4000):])
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func tool(ctx context.Context, classpath string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "java", append([]string{"-cp", classpath, "kafka.tools.StorageTool"}, args...)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("StorageTool %s: %w: %s%s", args[0], err, problems.Bytes(), out.Bytes())
	}
	return out.String(), nil
}

// configure writes the settings, or keeps those of an earlier start, so that
// clients find a restarted Kafka where it was.
func configure(dir, properties string, front func(addr string) (string, error)) (addr string, err error) {
	if old, err := os.ReadFile(properties); err == nil {
		for line := range strings.Lines(string(old)) {
			if addr, ok := strings.CutPrefix(line, "advertised.listeners=PLAINTEXT://"); ok {
				return strings.TrimSpace(addr), nil
			}
		}
	}
	ports, err := freePorts(2)
	if err != nil {
		return "", err
	}
	advertised := ports[0]
	if front != nil {
		if advertised, err = front(ports[0]); err != nil {
			return "", err
		}
	}
	return advertised, os.WriteFile(properties, settings(filepath.Join(dir, "data"), ports[0], advertised, ports[1]), 0o644)
}

func settings(data, addr, advertised, controller string) []byte {
	return []byte(strings.Join([]string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.voters=1@" + controller,
		"listeners=PLAINTEXT://" + addr + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + advertised,
		"controller.listener.names=CONTROLLER",
		"log.dirs=" + data,
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.state.log.num.partitions=4",
		// A topic that a test misspells must not appear by itself.
		"auto.create.topics.enable=false",
		// Tests wait for members to join and to be noticed missing.
		"group.initial.rebalance.delay.ms=0",
		"group.min.session.timeout.ms=500",
		"",
	}, "\n"))
}

// freePorts holds all of them open until each is known, so that they differ.
func freePorts(n int) ([]string, error) {
	addrs := make([]string, n)
	for i := range addrs {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		addrs[i] = ln.Addr().String()
	}
	return addrs, nil
}
