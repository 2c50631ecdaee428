package brokertest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
)

// Damage changes the last byte of the batch that holds an offset, in the folder of
// an embedded broker: its checksum is wrong then. With the checksum made right its
// compressed records are what is wrong. It returns the batch's first offset and the
// one after its last.
func Damage(t testing.TB, dir, topic string, partition int32, offset int64, checksumRight bool) (first, next int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "partitions", fmt.Sprintf("%s-%d", topic, partition), "*.dat"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		segment, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(segment); {
			batch := segment[at:]
			batch = batch[:12+binary.BigEndian.Uint32(batch[8:])]
			first = int64(binary.BigEndian.Uint64(batch))
			next = first + int64(binary.BigEndian.Uint32(batch[23:])) + 1
			if first <= offset && offset < next {
				batch[len(batch)-1] ^= 0xff
				if checksumRight {
					clear(batch[61:])
					binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
				}
				if err := os.WriteFile(name, segment, 0o600); err != nil { //nolint:gosec // the test's own folder
					t.Fatal(err)
				}
				return first, next
			}
			at += len(batch)
		}
	}
	t.Fatalf("no batch in %s holds offset %d of %s-%d", dir, offset, topic, partition)
	return 0, 0
}
