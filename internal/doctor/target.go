package doctor

import (
	"path/filepath"
	"slices"
	"strings"
)

// targets finds services by the words of a command line, without asking each of them.
type targets struct {
	byProgram map[string][]Target // by the base of its program, both as it is written and resolved
	byName    map[string][]Target
	all       []Target
}

func index(all []Target) targets {
	t := targets{map[string][]Target{}, map[string][]Target{}, all}
	for _, v := range all {
		bases := []string{}
		if len(v.Argv) > 0 {
			bases = append(bases, filepath.Base(v.Argv[0]))
		}
		if v.Program != "" {
			bases = append(bases, filepath.Base(v.Program))
		}
		slices.Sort(bases)
		for _, b := range slices.Compact(bases) {
			t.byProgram[b] = append(t.byProgram[b], v)
		}
		t.byName[v.Service] = append(t.byName[v.Service], v)
	}
	return t
}

// words splits a command line roughly as a shell does; what it could expand to is not known.
func words(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t'\"`;&|(){}<>$", r) })
}

// run are the services whose command a command line runs.
func (t targets) run(line string) []Target {
	var found []Target
	ws := words(line)
	for i, w := range ws {
		for _, v := range t.byProgram[filepath.Base(w)] {
			if v.called(w) && v.with(ws[i+1:]) && !slices.ContainsFunc(found, v.same) {
				found = append(found, v)
			}
		}
	}
	return found
}

func (v Target) same(o Target) bool { return v.Service == o.Service }

// called says whether a word is the service's program, and not another one of its name elsewhere.
func (v Target) called(word string) bool {
	return !strings.Contains(word, "/") || len(v.Argv) > 0 && word == v.Argv[0] || word == v.Program
}

// with says whether the rest of a command line is about this service and not another one that the same program runs: all
// its files, ports and names are there. Everybody's programs need the very arguments.
func (v Target) with(rest []string) bool {
	if len(v.Argv) == 0 {
		return true
	}
	telling := 0
	for _, arg := range v.Argv[1:] {
		if strings.HasPrefix(arg, "-") && !strings.ContainsAny(arg, "/=") {
			continue
		}
		telling++
		for _, w := range words(arg) {
			if !slices.Contains(rest, w) {
				return false
			}
		}
	}
	dir := filepath.Dir(v.Program)
	return telling > 0 || dir != "/bin" && dir != "/usr/bin" || slices.Equal(rest, v.Argv[1:])
}

// asked are the services that a command line has another program start or restart by name. Through supctl, a lock covers it.
func (t targets) asked(line string) (found []Target, through string, covered bool) {
	ws := words(line)
	for i, w := range ws {
		tool := filepath.Base(w)
		var rest []string
		switch {
		case slices.Contains([]string{"systemctl", "service", "invoke-rc.d", "rc-service", "supervisorctl", "monit", "sv", "docker", "supctl"}, tool):
			rest = ws[i+1:]
		case filepath.Dir(w) == "/etc/init.d":
			tool, rest = "init.d", append([]string{tool}, ws[i+1:]...)
		default:
			continue
		}
		if !slices.ContainsFunc(rest, acting) {
			continue
		}
		for _, name := range rest {
			name = strings.TrimSuffix(name, ".service")
			for _, v := range slices.Concat(t.byName[name], t.byProgram[name]) {
				if !slices.ContainsFunc(found, v.same) {
					found = append(found, v)
				}
			}
		}
		if len(found) > 0 {
			return found, tool, tool == "supctl"
		}
	}
	return nil, "", false
}

// acting says whether a word asks for something that a lock forbids.
func acting(word string) bool {
	return slices.Contains([]string{"start", "restart", "try-restart", "reload-or-restart", "condrestart", "force-reload", "up", "once", "guard"}, word)
}
