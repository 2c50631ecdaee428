//go:build !noembed

package embedded

import "syscall"

// dieWithParent makes a process end with the one that started it, even when
// that one is killed.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
