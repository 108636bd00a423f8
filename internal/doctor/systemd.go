package doctor

import (
	"path/filepath"
	"strings"
)

// unitDirs are where systemd reads units from, the strongest first (systemd.unit(5)).
func unitDirs() []string {
	return []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
}

// unit is what a unit's file and drop-ins say.
type unit struct {
	name, file string
	values     map[string][]string // by key; an empty assignment forgets those before (systemd.syntax(7))
}

func (u unit) last(key string) string {
	if v := u.values[key]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// unitsOf reads every unit of a suffix. A stronger directory hides a unit in a weaker one; masked ones are left out.
func (l *look) unitsOf(suffix string) []unit {
	var found []unit
	seen := map[string]bool{}
	for _, dir := range unitDirs() {
		for _, path := range l.list(dir) {
			name := filepath.Base(path)
			if !strings.HasSuffix(name, suffix) || seen[name] {
				continue
			}
			seen[name] = true
			text, ok := l.read(path)
			if !ok { // a link to /dev/null: masked
				continue
			}
			u := unit{name: name, file: path, values: map[string][]string{}}
			u.add(text)
			for _, d := range unitDirs() {
				for _, drop := range l.list(d + "/" + name + ".d") {
					if text, ok := l.read(drop); ok && strings.HasSuffix(drop, ".conf") {
						u.add(text)
					}
				}
			}
			found = append(found, u)
		}
	}
	return found
}

func (u unit) add(text string) {
	for _, line := range unitLines(text) {
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case !ok || strings.HasPrefix(key, "#") || strings.HasPrefix(key, ";"):
		case value == "":
			delete(u.values, key)
		default:
			u.values[key] = append(u.values[key], value)
		}
	}
}

// unitLines joins what a backslash continues.
func unitLines(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n")
}

// units finds units that run what a service runs, or have its name, and are in use: enabled, or active now.
func units(l *look) {
	if !l.exists("/run/systemd/system") { // sd_booted(3)
		return
	}
	for _, u := range l.unitsOf(".service") {
		services := l.idx.byName[strings.TrimSuffix(u.name, ".service")]
		for _, command := range u.values["ExecStart"] {
			services = append(services, l.idx.run(strings.TrimLeft(command, "-@:+!|"))...)
		}
		if len(services) == 0 {
			continue
		}
		restart, active, enabled := u.last("Restart"), l.active(u.name), l.enabled(u.name)
		what := ""
		switch {
		case active && restart != "" && restart != "no":
			what = "systemd runs " + u.name + " and starts it again by itself (Restart=" + restart + ")"
		case active:
			what = "systemd runs " + u.name + " as well"
		case enabled:
			what = "systemd starts " + u.name + " at boot"
		default:
			continue
		}
		l.add(services, Finding{Name: u.name, File: u.file, What: what, Fix: "systemctl disable --now " + u.name})
		l.needrestart(services, u)
	}
}

// active says whether a unit has a cgroup, which is so while it runs.
func (l *look) active(name string) bool {
	for _, top := range [...]string{"", "/unified", "/systemd"} {
		if l.exists("/sys/fs/cgroup" + top + "/system.slice/" + name) {
			return true
		}
	}
	return false
}

// enabled says whether something wants the unit (systemctl(1), enable).
func (l *look) enabled(name string) bool {
	for _, dir := range unitDirs() {
		if len(l.glob(dir+"/*.wants/"+name))+len(l.glob(dir+"/*.requires/"+name)) > 0 {
			return true
		}
	}
	return false
}

// needrestart restarts units whose libraries were replaced, after each package installation.
func (l *look) needrestart(services []Target, u unit) {
	const program = "/usr/sbin/needrestart"
	if l.exists(program) && l.active(u.name) {
		l.add(services, Finding{
			Kind: "needrestart", Name: u.name, File: program, What: "needrestart may restart " + u.name + " when a library was replaced",
			Fix: `$nrconf{override_rc}{qr(^` + strings.TrimSuffix(u.name, ".service") + `)} = 0; in /etc/needrestart/conf.d`,
		})
	}
}

// timers finds timers whose service runs the command, or has something else start it.
func timers(l *look) {
	if !l.exists("/run/systemd/system") {
		return
	}
	services := map[string]unit{}
	for _, u := range l.unitsOf(".service") {
		services[u.name] = u
	}
	for _, t := range l.unitsOf(".timer") {
		name := t.last("Unit")
		if name == "" {
			name = strings.TrimSuffix(t.name, ".timer") + ".service"
		}
		if !l.enabled(t.name) && !l.active(t.name) {
			continue
		}
		for _, command := range services[name].values["ExecStart"] {
			l.commands(command, Finding{Name: t.name, File: services[name].file, What: "the timer " + t.name, Fix: "systemctl stop " + t.name})
		}
	}
}

// commands notes what a command line that somebody runs now and then does to services. f.What is who runs it.
func (l *look) commands(line string, f Finding) {
	who := f.What
	if services := l.idx.run(line); len(services) > 0 {
		f.What = who + " runs its command"
		// guard asks for locks first.
		if ws := words(line); len(ws) > 1 && filepath.Base(ws[0]) == "supctl" {
			f.What, f.Covered, f.Fix = who+" runs its command through supctl", true, ""
		}
		l.add(services, f)
		return
	}
	services, tool, covered := l.idx.asked(line)
	if len(services) == 0 {
		return
	}
	f.What, f.Covered = who+" has "+tool+" start it", covered
	if covered {
		f.Fix = ""
	}
	l.add(services, f)
}
