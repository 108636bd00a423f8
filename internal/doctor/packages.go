package doctor

import (
	"slices"
	"strings"
)

const (
	dpkgInfo = "/var/lib/dpkg/info"
	policyRC = "/usr/sbin/policy-rc.d"
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
