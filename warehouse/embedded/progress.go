package embedded

import (
	"fmt"
	"io"
	"sync"
)

// An Installation is how far the installing of the engine has come.
type Installation struct {
	What   string // what is being installed, with its version
	Folder string // where it will be
	Done   int64  // bytes unpacked so far
	Total  int64  // bytes expected, roughly
	Over   bool   // the last report of an installation
	Err    error  // why it ended without an engine, when it did
}

// Progress is called for an installation: once before it begins, a few times a
// second while it grows, and once when it is over. It is never called when
// nothing has to be installed, and never by two goroutines at once.
type Progress func(Installation)

// ProgressLines reports an installation as two lines, before and after: what
// suits a log and a test's standard error.
func ProgressLines(w io.Writer) Progress {
	var first sync.Once
	return func(i Installation) {
		first.Do(func() {
			fmt.Fprintf(w, "installing %s with npm, about %d MB, once, into %s\n", i.What, i.Total/1_000_000, i.Folder)
		})
		if i.Over && i.Err == nil {
			fmt.Fprintf(w, "installed %s\n", i.What)
		}
	}
}
