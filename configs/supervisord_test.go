package configs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// supervisordOptions are those of [program:x] in supervisord's manual, "Configuration File", version 4.
var supervisordOptions = strings.Fields(`command process_name numprocs numprocs_start priority autostart autorestart startsecs startretries exitcodes
	stopsignal stopwaitsecs stopasgroup killasgroup user redirect_stderr
	stdout_logfile stdout_logfile_maxbytes stdout_logfile_backups stdout_capture_maxbytes stdout_events_enabled stdout_syslog
	stderr_logfile stderr_logfile_maxbytes stderr_logfile_backups stderr_capture_maxbytes stderr_events_enabled stderr_syslog
	environment directory umask serverurl`)

var programRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (?:`([^`]+)`|–) \\| (.+) \\|$")

// The page for supervisord's users has a row for each of a program's options, in the manual's order; each leads to a key
// that supd has or refuses by name, or says why there is none. Its examples load, see TestDocsExamplesLoad.
func TestDocsFromSupervisord(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(docsDir, "from-supervisord.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- program -->\n")
	table, _, ok := strings.Cut(rest, "<!-- end program -->")
	if !ok {
		t.Fatal("the page has no table of a program's options")
	}
	var have []string
	for _, m := range programRow.FindAllStringSubmatch(table, -1) {
		have = append(have, m[1])
		key, _, _ := strings.Cut(m[2], " ")
		if key == "" {
			continue
		}
		name := key
		if !strings.Contains(key, ".") && !isKey(key) {
			name = "service." + key
		}
		if !isKey(name) && unbuilt(name) == "" {
			t.Errorf("%s leads to %s, which is no key", m[1], key)
		}
	}
	if got, want := strings.Join(have, " "), strings.Join(supervisordOptions, " "); got != want {
		t.Errorf("options:\n%s\nwant:\n%s", got, want)
	}
}

// Who writes one of supervisord's names into supd's config is told what to write, or that it is not needed.
func TestSupervisordsNamesAreAnswered(t *testing.T) {
	for _, option := range supervisordOptions {
		if isKey("service."+option) || strings.HasSuffix(option, "_maxbytes") && strings.Contains(option, "capture") || strings.HasSuffix(option, "_events_enabled") ||
			option == "numprocs_start" || option == "serverurl" { // nothing of the kind is here
			continue
		}
		if foreignHint("service", option) == "" {
			t.Errorf("%s is unknown, and nothing else is said", option)
		}
	}
}
