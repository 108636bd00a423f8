package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// How old a file's last change has to be for its times to tell it from a later one: file systems stamp with the kernel's tick,
// 10 ms at most, and two changes within one look the same. Some have but seconds (ext3; two for FAT), of which the rest is 0.
const (
	stampAge       = 200 * time.Millisecond
	stampAgeCoarse = 2 * time.Second
)

// Stamp tells whether what the plan was read from has changed since: two equal stamps, the first taken before a reading,
// mean that reading again would find the same. "" if that cannot be told (a file changed just now, or is not there), and
// for a plan that is not from files. It costs a stat per file.
func (p *Plan) Stamp() string { return p.StampAt(time.Now()) }

// StampAt is the stamp that there was when the plan began to be read, "" also if a file has changed since then.
func (p *Plan) StampAt(began time.Time) string { return stamp(p.Files, p.globs, began) }

// Stamp is Plan.Stamp for names.
func (n *Names) Stamp() string { return n.StampAt(time.Now()) }

// StampAt is Plan.StampAt for names.
func (n *Names) StampAt(began time.Time) string { return stamp(n.files, n.globs, began) }

func stamp(files, globs []string, now time.Time) string {
	var b strings.Builder
	for _, glob := range globs {
		found, err := filepath.Glob(glob)
		if err != nil {
			return ""
		}
		fmt.Fprintf(&b, "%s %d\n", glob, len(found))
		files = append(files[:len(files):len(files)], found...)
	}
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			return ""
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return ""
		}
		changed, age := time.Unix(st.Ctim.Unix()), stampAge
		if changed.Nanosecond() == 0 {
			age = stampAgeCoarse
		}
		if now.Sub(changed) < age {
			return ""
		}
		fmt.Fprintf(&b, "%s %d %d %d %v %v\n", path, st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
	}
	return b.String()
}
