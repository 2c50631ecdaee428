package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestClassify(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	tests := []struct {
		err  error
		want Class
	}{
		{nil, None},
		{context.Canceled, Canceled},
		{kgo.ErrClientClosed, Canceled},
		{context.DeadlineExceeded, Retriable},
		{refused, Retriable},
		{&net.DNSError{IsNotFound: true}, Retriable},
		{io.EOF, Retriable},
		{&kgo.ErrFirstReadEOF{}, Retriable},
		{kgo.ErrRecordTimeout, Retriable},
		{kerr.NotLeaderForPartition, Retriable},
		{kerr.CoordinatorNotAvailable, Retriable},
		{kerr.NotEnoughReplicas, Retriable},
		{kerr.IllegalGeneration, Fenced},
		{kerr.UnknownMemberID, Fenced},
		{kerr.RebalanceInProgress, Fenced},
		{kerr.MessageTooLarge, Invalid},
		{kerr.UnknownTopicOrPartition, Fatal},
		{kerr.UnknownTopicID, Fatal},
		{kerr.SaslAuthenticationFailed, Fatal},
		{kerr.TopicAuthorizationFailed, Fatal},
		{kerr.UnsupportedVersion, Fatal},
		{kerr.OffsetOutOfRange, Fatal},
		{&kgo.ErrDataLoss{}, Fatal},
		{tls.RecordHeaderError{}, Fatal},
		{errors.New("never heard of"), Fatal},
		{errors.Join(refused, kerr.SaslAuthenticationFailed), Fatal},
	}
	for _, tt := range tests {
		if got := Classify(tt.err); got != tt.want {
			t.Errorf("%v is %s, want %s", tt.err, got, tt.want)
		}
		if tt.err == nil {
			continue
		}
		if got := Classify(fmt.Errorf("step: %w", tt.err)); got != tt.want {
			t.Errorf("%v, wrapped, is %s, want %s", tt.err, got, tt.want)
		}
	}
}

func TestClientLogHoldsRepeatsBack(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2019, 10, 1, 0, 0, 0, 0, time.UTC)
	log := newClientLog(zerolog.New(&out), func() time.Time { return now })
	for range 100 {
		log.Log(kgo.LogLevelWarn, "unable to open connection to broker", "addr", "h:1", "err", io.EOF)
	}
	log.Log(kgo.LogLevelError, "another", "odd")
	now = now.Add(quiet)
	log.Log(kgo.LogLevelWarn, "unable to open connection to broker", "addr", "h:1", "err", io.EOF)
	want := strings.Join([]string{
		`{"level":"warn","addr":"h:1","err":"EOF","message":"kafka client: unable to open connection to broker"}`,
		`{"level":"error","message":"kafka client: another"}`,
		`{"level":"warn","held_back":99,"addr":"h:1","err":"EOF","message":"kafka client: unable to open connection to broker"}`,
	}, "\n") + "\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
