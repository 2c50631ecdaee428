package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

func (versionCmd) Run(t *terminal) error {
	fmt.Fprintln(t.out, version())
	return nil
}

func version() string {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return fmt.Sprintf("clickstream %s, %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
