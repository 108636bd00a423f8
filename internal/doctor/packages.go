package doctor

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	dpkgInfo  = "/var/lib/dpkg/info"
	policyRC  = "/usr/sbin/policy-rc.d"
	listBytes = 32 << 20 // of a package's list of files; a kernel's or a font's is long
)

// packages finds Debian packages whose maintainer scripts start or restart what they install, and what upgrades by itself
// (deb-postinst(5), invoke-rc.d(8)).
func packages(l *look) {
	if !l.exists(dpkgInfo) {
		return
	}
	for pkg, services := range l.owners() {
		script := ""
		for _, part := range [...]string{"postinst", "prerm", "preinst", "postrm"} {
			path := dpkgInfo + "/" + pkg + "." + part
			text, ok := l.read(path)
			if ok && (strings.Contains(text, "invoke-rc.d") || strings.Contains(text, "deb-systemd-invoke") || strings.Contains(text, "systemctl")) {
				script = path
				break
			}
		}
		name, _, _ := strings.Cut(pkg, ":")
		if script != "" && !l.exists(policyRC) {
			l.add(services, Finding{
				Name: name, File: script, What: "an upgrade of the package " + name + " restarts what it installed, and there is no " + policyRC + " to ask",
				Fix: "apt-mark hold " + name + " for the time of the work",
			})
		}
		if file, line := l.upgradesItself(); file != "" {
			l.add(services, Finding{
				Kind: "unattended-upgrades", Name: name, File: file, Line: line, What: "unattended-upgrades may upgrade the package " + name + " meanwhile",
				Fix: "apt-mark hold " + name + " for the time of the work",
			})
		}
	}
}

// Packaged says whether a package of the distribution may have a file of this path (hier(7)): who asks the package manager about
// others has it read the lists of all packages for nothing.
func Packaged(path string) bool {
	if strings.HasPrefix(path, "/usr/local/") {
		return false
	}
	return slices.ContainsFunc([]string{"/usr/", "/bin/", "/sbin/", "/lib", "/etc/", "/opt/"}, func(dir string) bool { return strings.HasPrefix(path, dir) })
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
	if len(want) == 0 {
		return found
	}
	var buf bytes.Buffer
	for _, path := range l.list(dpkgInfo) {
		pkg, isList := strings.CutSuffix(filepath.Base(path), ".list")
		if !isList {
			continue
		}
		for _, t := range l.listed(path, want, &buf) {
			if !slices.ContainsFunc(found[pkg], t.same) {
				found[pkg] = append(found[pkg], t)
			}
		}
	}
	return found
}

// fewPrograms is up to where searching a list once for each program is quicker than looking at each line.
const fewPrograms = 8

// listed are the services whose program stands in a package's list of files. There are thousands of lists: buf is used again.
func (l *look) listed(path string, want map[string][]Target, buf *bytes.Buffer) (found []Target) {
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
	if len(want) <= fewPrograms {
		for program, ts := range want {
			if bytes.Contains(text, []byte("\n"+program+"\n")) || bytes.HasPrefix(text, []byte(program+"\n")) {
				found = append(found, ts...)
			}
		}
		return found
	}
	for file := range bytes.Lines(text) {
		if ts, ok := want[string(bytes.TrimRight(file, "\n"))]; ok {
			found = append(found, ts...)
		}
	}
	return found
}

// upgradesItself is where apt's periodic upgrades are turned on (/usr/lib/apt/apt.systemd.daily); "" where they are not.
func (l *look) upgradesItself() (file string, line int) {
	if !l.exists("/usr/bin/unattended-upgrade") && !l.exists("/usr/bin/unattended-upgrades") {
		return "", 0
	}
	for _, path := range append(l.list("/etc/apt/apt.conf.d"), "/etc/apt/apt.conf") {
		text, ok := l.read(path)
		if !ok {
			continue
		}
		for i, s := range strings.Split(text, "\n") {
			ws := words(s)
			if len(ws) > 1 && ws[0] == "APT::Periodic::Unattended-Upgrade" { // the last one counts
				file, line = "", 0
				if strings.Trim(ws[1], "0") != "" {
					file, line = path, i+1
				}
			}
		}
	}
	return file, line
}
