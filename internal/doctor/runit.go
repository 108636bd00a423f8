package doctor

import (
	"path/filepath"
	"strings"
)

// runit finds service directories of runit, daemontools and s6, whose run script runs a service's command (runsv(8),
// s6-supervise). One with a file called down is not started by itself.
func runit(l *look) {
	for _, scan := range [...]string{"/etc/service", "/service", "/var/service", "/run/service", "/run/s6/services", "/run/s6-rc/servicedirs", "/etc/s6/services"} {
		for _, dir := range l.list(scan) {
			name := filepath.Base(dir)
			text, ok := l.read(dir + "/run")
			if !ok || l.exists(dir+"/down") {
				continue
			}
			services := l.idx.byName[name]
			for _, line := range unitLines(text) {
				if !strings.HasPrefix(strings.TrimSpace(line), "#") {
					services = append(services, l.idx.run(line)...)
				}
			}
			l.add(services, Finding{
				Name: name, File: dir + "/run", What: "a supervisor of " + scan + " keeps " + name + " running",
				Fix: "sv down " + name + " (s6-svc -d " + dir + "), and a file called down in " + dir,
			})
		}
	}
}
