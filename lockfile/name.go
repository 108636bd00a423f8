package lockfile

import (
	"fmt"
	"strings"
)

// nameBytesMax bounds a service or group name: it becomes a file name, and the cgroup made for
// it adds a generation to it.
const nameBytesMax = 128

// ValidName says whether name may name a service or a group. Names become file names in the
// state directory, so everything that could leave its directory or hide (a slash, "..", a
// leading dot) is refused here, once, for everybody.
func ValidName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a name must not be empty")
	case len(name) > nameBytesMax:
		return fmt.Errorf("name %.20q… has %d characters, limit %d", name, len(name), nameBytesMax)
	case name[0] == '.' || name[0] == '-' || name[0] == '@':
		return fmt.Errorf("name %q must not begin with %q", name, name[:1])
	case strings.Contains(name, ".."):
		return fmt.Errorf("name %q must not contain \"..\"", name)
	}
	for i := 0; i < len(name); i++ {
		if !nameByte(name[i]) {
			return fmt.Errorf("name %q must not contain %q; letters, digits and @._-:+ are allowed", name, rune(name[i]))
		}
	}
	return nil
}

func nameByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("@._-:+", c) >= 0
}
