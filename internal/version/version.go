// Package version says which build a program is.
package version

import (
	"runtime"
	"runtime/debug"
)

// stamped is set by the Makefile: -ldflags "-X …/internal/version.stamped=v1.2.3".
// The linker's only way in is a variable; nothing else writes it.
var stamped string

// Version is the release, or "devel" for a build that nobody stamped.
func Version() string {
	if stamped != "" {
		return stamped
	}
	return "devel"
}

// Commit is the revision the program was built from, with "+dirty" when the tree
// had changes; "" if the build does not know.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commitOf(info.Settings)
}

func commitOf(settings []debug.BuildSetting) string {
	commit, dirty := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + dirty
}

// Go is the version of the language's tool chain.
func Go() string { return runtime.Version() }
