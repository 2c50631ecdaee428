//go:build !noembed

package embedded

import "syscall"

// dieWithParent can ask for nothing here: the process ends with its group.
func dieWithParent() *syscall.SysProcAttr { return nil }
