package doctor

import "strings"

// supervisord finds programs of a supervisord on this host (supervisord.conf: sections program and include).
func supervisord(l *look) {
	seen := map[string]bool{}
	for _, path := range [...]string{"/etc/supervisor/supervisord.conf", "/etc/supervisord.conf", "/etc/supervisord/supervisord.conf"} {
		l.supervisordFile(path, seen, 0)
	}
}

func (l *look) supervisordFile(path string, seen map[string]bool, depth int) {
	if seen[path] || depth > includesMax {
		return
	}
	seen[path] = true
	text, ok := l.read(path)
	if !ok {
		return
	}
	section, at := "", 0
	values := map[string]string{}
	flush := func() {
		kind, name, _ := strings.Cut(section, ":")
		switch kind {
		case "program":
			l.supervisordProgram(name, path, at, values)
		case "include":
			for _, pattern := range strings.Fields(values["files"]) {
				for _, inc := range l.glob(absolute(pattern, path)) {
					l.supervisordFile(inc, seen, depth+1)
				}
			}
		}
		clear(values)
	}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, " ;") // a comment
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			flush()
			section, at = strings.Trim(line, "[]"), i+1
		case strings.HasPrefix(line, ";") || strings.HasPrefix(line, "#"):
		default:
			if k, v, ok := strings.Cut(line, "="); ok {
				values[strings.TrimSpace(k)] = strings.TrimSpace(v)
			}
		}
	}
	flush()
}

func (l *look) supervisordProgram(name, path string, line int, values map[string]string) {
	services := append(l.idx.run(values["command"]), l.idx.byName[name]...)
	restart, auto := values["autorestart"], values["autostart"]
	if restart == "" {
		restart = "unexpected"
	}
	if restart == "false" && auto == "false" {
		return
	}
	l.add(services, Finding{
		Name: name, File: path, Line: line, What: "supervisord runs the program " + name + " (autorestart=" + restart + ")",
		Fix: "supervisorctl stop " + name + ", and take it out of its config",
	})
}
