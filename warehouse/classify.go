package warehouse

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/clickhouse-go/v2"

	"clickstream/internal/broker"
)

// Error codes of ClickHouse that we tell apart.
const (
	codeUnknownDatabase = 81
	codeUnknownSetting  = 115
	codeUnknownUser     = 192
	codeWrongPassword   = 193
	codeAuthFailed      = 516
)

// waitCodes are ClickHouse's errors that pass by themselves, with their reasons.
// All others need a person: a table, a column, a right or a setting is missing.
var waitCodes = map[int]string{
	74:  "a disk does not read",
	75:  "a disk does not write; it may be full",
	159: "it took too long",
	160: "it is too slow just now",
	173: "no memory is left on the machine",
	198: "a host name does not resolve just now",
	201: "a quota is used up until its interval ends",
	202: "too many queries run at once",
	203: "no connection is free",
	209: "a socket did not answer",
	210: "the network failed",
	225: "the keeper is unreachable",
	236: "the server is shutting down",
	241: "the memory limit is reached",
	242: "the table is read-only until the keeper is back",
	243: "the disk is full",
	// Also "too many partitions in one block", but max_partitions_per_insert_block=0 rules that out.
	252: "merges have to catch up with the parts first",
	279: "no replica answers",
	285: "too few replicas live",
	286: "another insert waits for its quorum",
	319: "whether it was stored is not known; storing it again does no harm",
	394: "the query was cancelled",
	439: "no thread is free",
	473: "a lock was not free",
	499: "the object store failed",
	999: "the keeper failed",
}

// Retriable says whether waiting and doing the same again can help, and why
// err came. A deadline that passed counts: the caller that retries checks its
// own context. Repeating an insert does no harm in our tables.
func Retriable(err error) (reason string, ok bool) {
	if err == nil || errors.Is(err, context.Canceled) {
		return "", false
	}
	if code := codeOf(err); code != 0 {
		reason, ok = waitCodes[code]
		return reason, ok
	}
	switch {
	case broker.IsTLSError(err):
		return "", false
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer came in time", true
	case errors.Is(err, ch.ErrClosed), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return "the connection broke", true
	}
	if _, is := errors.AsType[net.Error](err); is {
		return "the server is unreachable", true
	}
	return "", false
}

// codeOf is ClickHouse's error code, or 0 where err is none of its errors.
func codeOf(err error) int {
	if e, ok := errors.AsType[*ch.Exception](err); ok {
		return int(e.Code)
	}
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return int(e.Code)
	}
	return 0
}
