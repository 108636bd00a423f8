package doctor

import (
	"path/filepath"
	"strings"
)

// monit finds services that a Monit on this host watches: `check process NAME with pidfile …` with a start program, or one
// that looks for its command (monit(1)).
func monit(l *look) {
	seen := map[string]bool{}
	for _, path := range [...]string{"/etc/monit/monitrc", "/etc/monitrc", "/etc/monit.conf"} {
		l.monitFile(path, seen, 0)
	}
}

// includesMax is how deep includes go.
const includesMax = 5

func (l *look) monitFile(path string, seen map[string]bool, depth int) {
	if seen[path] || depth > includesMax {
		return
	}
	seen[path] = true
	text, ok := l.read(path)
	if !ok {
		return
	}
	var services []Target
	var f Finding
	flush := func() {
		if len(services) > 0 {
			l.add(services, f)
		}
		services = nil
	}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		ws := words(line)
		switch {
		case len(ws) > 1 && strings.EqualFold(ws[0], "include"):
			for _, inc := range l.glob(absolute(ws[1], path)) {
				l.monitFile(inc, seen, depth+1)
			}
		case len(ws) > 2 && strings.EqualFold(ws[0], "check"):
			flush()
			f = Finding{Name: ws[2], File: path, Line: i + 1, What: "Monit checks " + ws[2] + " and starts it when it is down", Fix: "monit unmonitor " + ws[2]}
			if strings.EqualFold(ws[1], "process") {
				services = append(services, l.idx.byName[ws[2]]...)
			}
		}
		if f.Name != "" {
			found := l.idx.run(line)
			if asked, _, covered := l.idx.asked(line); !covered {
				found = append(found, asked...)
			}
			services = append(services, found...)
		}
	}
	flush()
}

// absolute takes a path of an include as relative to the file that it stands in.
func absolute(path, in string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(in), path)
}
