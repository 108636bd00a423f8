package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stampAge is how old a file's last change has to be for its times to tell it from a later one: file systems stamp with
// the kernel's tick, and two changes within one look the same.
const stampAge = 2 * time.Second

// Stamp tells whether what the plan was read from has changed since: two equal stamps, the first taken before a reading,
// mean that reading again would find the same. "" if that cannot be told (a file changed just now, or is not there), and
// for a plan that is not from files. It costs a stat per file.
func (p *Plan) Stamp() string { return stamp(p.Files, p.globs) }

// Stamp is Plan.Stamp for names.
func (n *Names) Stamp() string { return stamp(n.files, n.globs) }

func stamp(files, globs []string) string {
	var b strings.Builder
	for _, glob := range globs {
		found, err := filepath.Glob(glob)
		if err != nil {
			return ""
		}
		fmt.Fprintf(&b, "%s %d\n", glob, len(found))
		files = append(files[:len(files):len(files)], found...)
	}
	newest := time.Now().Add(-stampAge)
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			return ""
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || time.Unix(st.Ctim.Unix()).After(newest) {
			return ""
		}
		fmt.Fprintf(&b, "%s %d %d %d %v %v\n", path, st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
	}
	return b.String()
}
