package warehouse

import (
	"context"
	"database/sql"
	"database/sql/driver"
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
	codeMemoryLimit     = 241
	codeWrongPassword   = 193
	codeAuthFailed      = 516
)

// waitCodes are ClickHouse's errors that may pass by themselves, with their
// reasons: what the machine, its disks, its network or other queries cause. All
// others need a person: a table, a column, a right or a setting is missing. One
// that is in the wrong list does less harm here: it waits and is logged, where
// it would end the process.
var waitCodes = map[int]string{
	3:               "a file or an answer ended early",
	23:              "a disk or a connection does not read",
	24:              "a disk or a connection does not write",
	33:              "a disk or a connection broke off",
	74:              "a disk does not read",
	75:              "a disk does not write; it may be full",
	76:              "a file cannot be opened; too many may be open",
	77:              "a disk does not close a file",
	87:              "a disk does not read",
	88:              "a disk does not write",
	95:              "a connection between the servers broke",
	96:              "a connection between the servers broke",
	159:             "it took too long",
	160:             "it is too slow just now",
	172:             "a disk does not take a directory; it may be full",
	173:             "no memory is left on the machine",
	198:             "a host name does not resolve just now",
	201:             "a quota is used up until its interval ends",
	202:             "too many queries run at once",
	203:             "no connection is free",
	204:             "a disk does not keep what is written",
	209:             "a socket did not answer",
	210:             "the network failed",
	214:             "a disk does not report its space",
	216:             "the same query still runs",
	225:             "the keeper is unreachable",
	236:             "the server is shutting down",
	codeMemoryLimit: "the memory limit is reached",
	242:             "the table is read-only until the keeper is back",
	243:             "the disk is full",
	244:             "the keeper answered unexpectedly",
	// Also "too many partitions in one block", but max_partitions_per_insert_block=0 rules that out.
	252: "merges have to catch up with the parts first",
	254: "no replica is active",
	265: "no replica is available",
	274: "a disk does not read",
	275: "a disk does not write",
	279: "no replica answers",
	285: "too few replicas live",
	286: "another insert waits for its quorum",
	297: "no replica of the shard is connected",
	319: "whether it was stored is not known; storing it again does no harm",
	364: "the object store or another server takes no more requests just now",
	369: "all replicas lag too far",
	384: "a part is locked just now",
	394: "the query was cancelled",
	400: "a disk does not answer",
	410: "another server does not answer",
	411: "no thread is free",
	412: "the system has no resources left",
	425: "the operating system refused a call; a resource may be used up",
	439: "no thread is free",
	473: "a lock was not free",
	499: "the object store failed",
	529: "the leader of the replicas has changed",
	568: "the keeper has no leader",
	573: "the system has no resources left",
	574: "the servers have too much to send each other",
	586: "a disk does not take a file; it may be full or have too many open",
	635: "the system has no resources left",
	641: "a disk does not write; it may be full",
	677: "the query was cancelled",
	692: "mutations have to catch up first",
	693: "the object store failed",
	695: "a table could not be loaded at the server's start",
	696: "the server's start was broken off",
	700: "the user has too many sessions",
	707: "the object store failed",
	722: "the server is still loading its tables",
	733: "the table is being restarted",
	734: "the write was broken off",
	735: "the query was cancelled",
	737: "the object store failed",
	738: "a part is locked just now",
	745: "the server has too much to do",
	749: "the server takes no more connections just now",
	762: "the server takes no more connections just now",
	763: "the server takes no more sessions just now",
	771: "the disk of the cache does not write",
	776: "a resource limit is reached",
	777: "the memory was needed for another query",
	778: "no memory can be reserved just now",
	900: "the distributed cache failed",
	901: "the distributed cache failed",
	903: "the distributed cache is shutting down",
	999: "the keeper failed",
	// What ClickHouse has no code of its own for: most are of the network, the
	// disk or the memory.
	1000: "the server met an error of its network library",
	1001: "the server met an error of its standard library, such as no memory",
	1002: "the server met an error that it does not know",
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
		errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET), errors.Is(err, clickhouse.ErrConnectionClosed),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone): // of the migrations, which go through database/sql
		return "the connection broke", true
	case errors.Is(err, clickhouse.ErrAcquireConnTimeout):
		return "no connection of the pool is free", true
	}
	if _, is := errors.AsType[net.Error](err); is {
		return "the server is unreachable", true
	}
	return "", false
}

// OutOfMemory says whether a query failed because it needed more memory than it
// may have just now.
func OutOfMemory(err error) bool { return codeOf(err) == codeMemoryLimit }

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
