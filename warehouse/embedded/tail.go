//go:build !noembed && (linux || darwin)

package embedded

import (
	"strings"
	"sync"
)

// A tail keeps the end of a process's output. It is safe for use by several
// goroutines.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if extra := len(t.last) - tailBytes; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(string(t.last), "")
}
