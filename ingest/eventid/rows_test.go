package eventid

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func numbered(t *testing.T, r *Rows, row uint64) string {
	t.Helper()
	var c Content
	c.Row()
	c.Field("row", string(binary.BigEndian.AppendUint64(nil, row)))
	return appendID(t, r, &c)
}

func TestI4_SpillingGivesTheSameIDs(t *testing.T) {
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 10))
		tiny := Rows{MaxBytes: 128 << rnd.IntN(6), TempDir: t.TempDir()}
		var whole Rows
		distinct := 1 + rnd.Uint64N(20_000)
		merged := false
		for i := range 20_000 {
			row := rnd.Uint64N(distinct)
			if rnd.IntN(3) == 0 { // a few rows come very often
				row = rnd.Uint64N(20)
			}
			if got, want := numbered(t, &tiny, row), numbered(t, &whole, row); got != want {
				t.Fatalf("seed %d, row %d: id %s, without spilling it is %s", seed, i, got, want)
			}
			if len(tiny.disk.runs) > 0 && tiny.disk.runs[0].size > int64(2*tiny.maxSlots()*entrySize) {
				merged = true
			}
			if len(tiny.disk.runs) > maxRuns {
				t.Fatalf("seed %d: %d temporary files", seed, len(tiny.disk.runs))
			}
		}
		if len(whole.disk.runs) > 0 || distinct > 1000 && !merged {
			t.Fatalf("seed %d, %d distinct rows: spilled without need, or never merged", seed, distinct)
		}
		tiny.Close()
		whole.Close()
	}
}

// The digest 0 is kept apart in memory, and the highest ones end a run.
func TestSpilledDigestsAreCountedAtBothEnds(t *testing.T) {
	r := Rows{MaxBytes: 128, TempDir: t.TempDir()}
	defer r.Close()
	model := make(map[uint64]uint64)
	rnd := rand.New(rand.NewPCG(1, 2))
	merges, runs := 0, 0
	for range 3000 {
		d := rnd.Uint64N(50)
		if rnd.IntN(2) == 0 {
			d = -d - 1
		}
		got, err := r.count(d)
		if err != nil || got != model[d] {
			t.Fatalf("count(%d) is %d, %v; want %d", d, got, err, model[d])
		}
		model[d]++
		if len(r.disk.runs) < runs {
			merges++
		}
		runs = len(r.disk.runs)
	}
	if merges < 100 || model[0] < 20 || model[math.MaxUint64] < 20 {
		t.Errorf("%d merges, 0 came %d times and the highest digest %d times: this proves little", merges, model[0], model[math.MaxUint64])
	}
}

func TestI3_MemoryForRowsIsBounded(t *testing.T) {
	r := Rows{MaxBytes: 1 << 20, TempDir: t.TempDir()}
	defer r.Close()
	rnd := rand.New(rand.NewPCG(3, 4))
	before := heap()
	for range 1_000_000 { // 8 to 22 MB without a bound
		if _, err := r.count(rnd.Uint64()); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("a million rows hold %d bytes under a bound of 1 MiB", grown)
	}
	runtime.KeepAlive(&r)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func spilled(t *testing.T, r *Rows) []*run {
	t.Helper()
	for row := uint64(0); len(r.disk.runs) < 3; row++ {
		numbered(t, r, row)
	}
	return r.disk.runs
}

func TestTemporaryFilesHaveNoNameAndAreClosed(t *testing.T) {
	dir := t.TempDir()
	r := Rows{MaxBytes: 128, TempDir: dir}
	runs := spilled(t, &r)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%d files stand in %s while rows are read: %v", len(left), dir, err)
	}
	r.Close()
	for _, run := range runs {
		if err := run.file.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a temporary file is open after Close: %v", err)
		}
	}
	numbered(t, &r, 1)
	r.Close()
}

// brittle is a temporary file on a disk that fails.
type brittle struct {
	file
	disk *failingDisk
}

type failingDisk struct {
	write, read, create bool
	made, open          int
}

func (d *failingDisk) make(dir string) (file, error) {
	if d.create {
		return nil, syscall.EMFILE
	}
	f, err := createTemp(dir)
	d.made++
	d.open++
	return &brittle{f, d}, err
}

func (b *brittle) Write(p []byte) (int, error) {
	if b.disk.write {
		return 0, syscall.ENOSPC
	}
	return b.file.Write(p)
}

func (b *brittle) ReadAt(p []byte, at int64) (int, error) {
	if b.disk.read {
		return 0, syscall.EIO
	}
	return b.file.ReadAt(p, at)
}

func (b *brittle) Close() error {
	b.disk.open--
	return b.file.Close()
}

func TestAFailingDiskIsNamedAndLeavesNoFile(t *testing.T) {
	for name, tt := range map[string]struct {
		breakDisk func(*failingDisk)
		want      error
	}{
		"full":                  {func(d *failingDisk) { d.write = true }, syscall.ENOSPC},
		"unreadable":            {func(d *failingDisk) { d.read = true }, syscall.EIO},
		"no more files allowed": {func(d *failingDisk) { d.create = true }, syscall.EMFILE},
	} {
		t.Run(name, func(t *testing.T) {
			var disk failingDisk
			r := Rows{MaxBytes: 128, TempDir: t.TempDir()}
			r.disk.create = disk.make
			defer r.Close()
			spilled(t, &r)
			tt.breakDisk(&disk)
			var err error
			for d := uint64(0); err == nil && d < 1000; d++ {
				var c Content
				c.Row()
				c.Field("row", string(binary.BigEndian.AppendUint64(nil, d)))
				_, err = r.AppendID(nil, &c)
			}
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "temporary file") || !strings.Contains(err.Error(), "TMPDIR") {
				t.Errorf("the error is %v, want %v, the file and what to do", err, tt.want)
			}
			if disk.open != 0 {
				t.Errorf("%d temporary files are open after a failure", disk.open)
			}
			if _, again := r.AppendID(nil, &Content{}); !errors.Is(again, tt.want) {
				t.Errorf("the next row says %v", again)
			}
		})
	}
}

func TestAMissingFolderForTemporaryFilesIsNamed(t *testing.T) {
	r := Rows{MaxBytes: 128, TempDir: t.TempDir() + "/none"}
	defer r.Close()
	var err error
	for d := uint64(1); err == nil && d < 100; d++ {
		_, err = r.count(d)
	}
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), r.TempDir) {
		t.Errorf("the error is %v", err)
	}
}

func TestAMergeOfTemporaryFilesEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := Rows{MaxBytes: 128, TempDir: t.TempDir(), Interrupted: ctx.Err}
	var disk failingDisk
	r.disk.create = func(dir string) (file, error) {
		if len(r.disk.runs) == maxRuns+1 { // the file that all are merged into
			cancel()
		}
		return disk.make(dir)
	}
	defer r.Close()
	var err error
	for d := uint64(1); err == nil && d < 1000; d++ {
		_, err = r.count(d)
	}
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("the error is %v, want that of the context alone", err)
	}
	if disk.made != maxRuns+2 || disk.open != 0 {
		t.Errorf("%d temporary files were made and %d are open, want %d made and none open", disk.made, disk.open, maxRuns+2)
	}
	if _, again := r.AppendID(nil, &Content{}); !errors.Is(again, context.Canceled) {
		t.Errorf("the next row says %v", again)
	}
}
