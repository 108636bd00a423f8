package doctor

import (
	"path/filepath"
	"strings"
)

// cron finds lines of crontabs and scripts of run-parts that run a service's command, or have it started (cron(8),
// crontab(5), anacrontab(5)).
func cron(l *look) {
	for _, path := range append([]string{"/etc/crontab", "/etc/anacrontab"}, l.list("/etc/cron.d")...) {
		l.crontab(path)
	}
	for _, dir := range [...]string{"/var/spool/cron/crontabs", "/var/spool/cron"} { // Debian, others
		for _, path := range l.list(dir) {
			l.crontab(path)
		}
	}
	for _, often := range [...]string{"hourly", "daily", "weekly", "monthly", "yearly"} {
		for _, path := range l.list("/etc/cron." + often) {
			if strings.Contains(filepath.Base(path), ".") { // run-parts(8) leaves those out
				continue
			}
			l.lines(path, "the "+often+" cron script "+filepath.Base(path))
		}
	}
}

// crontab looks at every line: what stands before the command is times and a user, which name no program.
func (l *look) crontab(path string) { l.lines(path, "cron") }

func (l *look) lines(path, who string) {
	text, ok := l.read(path)
	if !ok {
		return
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		l.commands(scheduled(line), Finding{
			Name: filepath.Base(path), File: path, Line: i + 1, What: who, Fix: "put \"supctl guard NAME --\" before the command",
		})
	}
}

// scheduled is the command of a crontab's line: what begins with times has five of them, or a word with @.
func scheduled(line string) string {
	fields := strings.Fields(line)
	times := 0
	for times < len(fields) && times < 5 && strings.Trim(fields[times], "0123456789*,-/~LW#?") == "" {
		times++
	}
	switch {
	case times == 5:
		return strings.Join(fields[5:], " ")
	case strings.HasPrefix(line, "@") && len(fields) > 1:
		return strings.Join(fields[1:], " ")
	}
	return line
}
