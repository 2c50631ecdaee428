package broker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Class says what to do about an error of the broker.
type Class int

const (
	// None: there is no error.
	None Class = iota
	// Canceled: it was ended on our side, by a context or by Close.
	Canceled
	// Retriable: try again after a while; the broker is unreachable, slow, or elects
	// a leader.
	Retriable
	// Fenced: the partition may be another member's now; drop what is not
	// committed and continue where the next assignment begins.
	Fenced
	// Invalid: this record will never be taken; others may.
	Invalid
	// Fatal: waiting does not help; stop with the error.
	Fatal
)

func (c Class) String() string {
	return [...]string{"none", "canceled", "retriable", "fenced", "invalid", "fatal"}[c]
}

var (
	fencedErrors = []error{
		kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.RebalanceInProgress,
		kerr.FencedInstanceID, kerr.FencedMemberEpoch, kerr.StaleMemberEpoch, errOtherMember,
	}
	invalidErrors = []error{
		kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp,
	}
	// The client asks again by itself for topics it cannot find; when it returns
	// the error, the topic has been deleted, though Kafka calls that retriable.
	fatalErrors = []error{kerr.UnknownTopicOrPartition, kerr.UnknownTopicID}
	// Limits of the client: another try may succeed.
	limitErrors = []error{kgo.ErrRecordTimeout, kgo.ErrRecordRetries, kgo.ErrMaxBuffered}
)

// Classify says what kind of error err is. A deadline that passed counts as
// Retriable: the caller that retries checks its own context.
func Classify(err error) Class {
	// A failed try of several brokers holds one error of each; a definite answer
	// of one counts more than another being unreachable.
	switch {
	case err == nil:
		return None
	case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting):
		return Canceled
	case isAny(err, fencedErrors):
		return Fenced
	case isAny(err, invalidErrors):
		return Invalid
	case isAny(err, fatalErrors), IsTLSError(err):
		return Fatal
	}
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		if ke.Retriable {
			return Retriable
		}
		return Fatal
	}
	if _, ok := errors.AsType[*kgo.ErrDataLoss](err); ok {
		return Fatal
	}
	if errors.Is(err, context.DeadlineExceeded) || isAny(err, limitErrors) || isNetwork(err) || isFirstReadEOF(err) || kgo.IsRetryableBrokerErr(err) {
		return Retriable
	}
	return Fatal
}

// PositionLost says whether err is that the log no longer holds the place where a
// client reads: it begins later, or has lost its end. Who reads begins again at
// its last commit.
func PositionLost(err error) bool {
	_, lost := errors.AsType[*kgo.ErrDataLoss](err)
	return lost || errors.Is(err, kerr.OffsetOutOfRange)
}

func isAny(err error, targets []error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// isFirstReadEOF reports a connection that was closed before its first answer:
// by a proxy without a broker behind it, which passes, or because TLS or SASL
// is on on one side only.
func isFirstReadEOF(err error) bool {
	_, ok := errors.AsType[*kgo.ErrFirstReadEOF](err)
	return ok
}

// isNetwork reports everything that happens while a broker restarts, a name
// that does not resolve just now included.
func isNetwork(err error) bool {
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*os.SyscallError](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
