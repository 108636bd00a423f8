package doctor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	listBytes   = 32 << 20 // of a package's list of files; a kernel's or a font's is long
	fewPrograms = 8        // up to where searching a list once for each program is quicker than looking at each line
	ownedMax    = 1 << 14  // programs remembered
)

// owned remembers the packages of programs. To find them every package's list is read, tens of megabytes.
type owned struct {
	mu    sync.Mutex
	stamp string              // of the directory with the lists: dpkg renames a new list into it
	by    map[string][]string // by program; of none: nil, but there
}

// owners are the packages that the services' programs come from.
func (l *look) owners() map[string][]Target {
	want := map[string][]Target{}
	for _, t := range l.idx.all {
		if !Packaged(t.Program) {
			continue
		}
		want[t.Program] = append(want[t.Program], t)
		if old, merged := strings.CutPrefix(t.Program, "/usr"); merged { // packages from before the merge have /bin/x
			want[old] = append(want[old], t)
		}
	}
	found := map[string][]Target{}
	for program, pkgs := range l.packagesOf(want) {
		for _, pkg := range pkgs {
			for _, t := range want[program] {
				if !slices.ContainsFunc(found[pkg], t.same) {
					found[pkg] = append(found[pkg], t)
				}
			}
		}
	}
	return found
}

// packagesOf are the packages of each of these programs.
func (l *look) packagesOf(programs map[string][]Target) map[string][]string {
	o := l.owned
	o.mu.Lock()
	defer o.mu.Unlock()
	stamp := l.stampOf(dpkgInfo)
	if stamp == "" || stamp != o.stamp || len(o.by) > ownedMax {
		o.stamp, o.by = stamp, map[string][]string{}
	}
	unknown := map[string]bool{}
	for program := range programs {
		if _, known := o.by[program]; !known {
			unknown[program] = true
		}
	}
	if len(unknown) > 0 {
		troubles := len(l.report.Unseen)
		l.readLists(unknown, o.by)
		if l.ctx.Err() != nil || len(l.report.Unseen) > troubles {
			o.stamp = "" // not all was read
		}
	}
	found := map[string][]string{}
	for program := range programs {
		found[program] = o.by[program]
	}
	return found
}

// stampOf changes with what is in a directory; "" if it has changed just now, as file systems stamp with the kernel's tick or, some
// of them, with two seconds.
func (l *look) stampOf(dir string) string {
	var st unix.Stat_t
	if unix.Stat(filepath.Join(l.root, dir), &st) != nil || time.Since(time.Unix(st.Ctim.Unix())) < 2*time.Second {
		return ""
	}
	return fmt.Sprint(st.Dev, st.Ino, st.Ctim)
}

// readLists notes in by which packages have these programs.
func (l *look) readLists(programs map[string]bool, by map[string][]string) {
	for program := range programs {
		by[program] = nil
	}
	var buf bytes.Buffer
	for _, path := range l.list(dpkgInfo) {
		if pkg, isList := strings.CutSuffix(filepath.Base(path), ".list"); isList {
			for _, program := range l.listed(path, programs, &buf) {
				by[program] = append(by[program], pkg)
			}
		}
	}
}

// listed are the programs that stand in a package's list of files. There are thousands of lists: buf is used again.
func (l *look) listed(path string, programs map[string]bool, buf *bytes.Buffer) (found []string) {
	if l.ctx.Err() != nil {
		return nil
	}
	f, err := os.Open(filepath.Join(l.root, path))
	if l.absent(err, path) {
		return nil
	}
	defer f.Close()
	buf.Reset()
	if _, err := buf.ReadFrom(io.LimitReader(f, listBytes)); l.absent(err, path) {
		return nil
	}
	text := buf.Bytes()
	if len(programs) <= fewPrograms {
		for program := range programs {
			if bytes.Contains(text, []byte("\n"+program+"\n")) || bytes.HasPrefix(text, []byte(program+"\n")) {
				found = append(found, program)
			}
		}
		return found
	}
	for file := range bytes.Lines(text) {
		if program := string(bytes.TrimRight(file, "\n")); programs[program] {
			found = append(found, program)
		}
	}
	return found
}
