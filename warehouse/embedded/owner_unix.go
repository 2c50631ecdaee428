//go:build unix

package embedded

import (
	"io/fs"
	"syscall"
)

// ownerOf is the id of the user that a file belongs to.
func ownerOf(info fs.FileInfo) (id int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
