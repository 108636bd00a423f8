package storm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// role is one service of the storm, under the name it has in the plain config.
type role struct {
	name  string
	args  []string // of its witness
	needs []string
	more  string // lines of its table
	tail  string // its subtables
	job   bool
}

// cast are the services: what goes wrong in the field, each in one of them.
func cast() []role {
	quick := "[service.%s.stop]\nsignal = \"USR1\"\ntimeout = \"2s\"\n"
	return []role{
		{name: "db", tail: quick},
		{name: "cache", args: []string{"-deaf", "-with-child"}, tail: "[service.%s.stop]\nsignal = \"USR1\"\ntimeout = \"300ms\"\n"},
		{name: "web", needs: []string{"db"}, tail: quick},
		{name: "api", needs: []string{"db", "cache"}, args: []string{"-with-child"}, tail: quick},
		{name: "worker", args: []string{"-crash", "3s"}, more: "nice = 3\n", tail: quick}, // nice: held back before its exec
		{name: "slow", args: []string{"-slow", "700ms"}, tail: quick},
		{name: "flappy", tail: quick + "[service.%s.check.flag]\ntype = \"file\"\npath = \"$DIR/flag\"\nexists = false\n" +
			"every = \"200ms\"\ntimeout = \"100ms\"\nfail_after = 1\nrecover_after = 1\non_fail = \"restart\"\n"},
		{name: "told", more: "ready = \"notify\"\nready_timeout = \"20s\"\n", tail: quick},
		{name: "asked", tail: "[service.%s.stop]\ncommand = [\"$SELF\", \"ask\"]\ntimeout = \"2s\"\n"},
		{name: "job", args: []string{"-job", "300ms"}, more: "oneshot = true\n", tail: quick, job: true},
		{name: "extra", tail: quick},
	}
}

// wanderer is the service that configs leave out or rename; renamed is its other name.
const wanderer, renamed = "extra", "extra2"

// labelOf is what a service of that name runs.
func labelOf(name string) string {
	if name == renamed {
		return wanderer
	}
	return name
}

func labels() (all []string) {
	for _, r := range cast() {
		all = append(all, r.name)
	}
	return all
}

// isJob says whether a service runs to its end.
func isJob(name string) bool {
	return slices.ContainsFunc(cast(), func(r role) bool { return r.name == name && r.job })
}

// variant is one config of the storm. The zero one is plain.
type variant struct {
	gone, other bool // the wanderer
	grouped     int  // which members the groups have
	policy      int
}

const groupings, policies = 3, 2

func (v variant) groups() map[string][]string {
	g := map[string][]string{"front": {"web", "api"}, "back": {"db", "cache"}}
	switch v.grouped {
	case 1:
		g["front"] = []string{"web", "worker"}
	case 2:
		g["back"] = []string{"cache", "slow", "db"}
	}
	return g
}

// write puts the config in place, as an editor does.
func (v variant) write(dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "[maintenance]\nsettle = \"100ms\"\n")
	for name, members := range v.groups() {
		fmt.Fprintf(&b, "[group.%s]\nservices = [\"%s\"]\n", name, strings.Join(members, `", "`))
	}
	for _, r := range cast() {
		name := r.name
		switch {
		case name == wanderer && v.gone:
			continue
		case name == wanderer && v.other:
			name = renamed
		}
		v.service(&b, r, name)
	}
	text := strings.NewReplacer("$DIR", dir, "$SELF", programs.self).Replace(b.String())
	tmp, path := filepath.Join(dir, "supd.toml.new"), filepath.Join(dir, "supd.toml")
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func (v variant) service(b *strings.Builder, r role, name string) {
	argv := append([]string{programs.self, "witness", "-dir", "$DIR", "-label", r.name}, r.args...)
	for i := range argv {
		argv[i] = strconv.Quote(argv[i])
	}
	fmt.Fprintf(b, "\n[service.%s]\ncommand = [%s]\nautostart = true\nlog = \"none\"\n%s", name, strings.Join(argv, ", "), r.more)
	if !r.job && !strings.Contains(r.more, "ready =") {
		b.WriteString("ready = \"delay:20ms\"\n")
	}
	if len(r.needs) > 0 {
		fmt.Fprintf(b, "depends_on = [\"%s\"]\n", strings.Join(r.needs, `", "`))
	}
	most := []string{"5ms", "200ms"}[v.policy]
	fmt.Fprintf(b, "[service.%s.restart]\nbackoff = { first = \"0s\", then = \"1ms\", max = %q, reset_after = \"2s\" }\n", name, most)
	for line := range strings.Lines(r.tail) {
		b.WriteString(strings.ReplaceAll(line, "%s", name)) // subtables carry the service's name
	}
}

// named are the labels of a target as a person writes it, in any config of the storm: "db", "@web", "--all".
func named(target string) (all []string) {
	switch {
	case target == "--all":
		return labels()
	case strings.HasPrefix(target, "@"):
		for i := range groupings {
			all = append(all, variant{grouped: i}.groups()[target[1:]]...)
		}
	default:
		all = []string{labelOf(target)}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// started are the labels that a start of the targets may start: they and all they need.
func started(targets ...string) (all []string) {
	for _, t := range targets {
		all = append(all, named(t)...)
	}
	for i := 0; i < len(all); i++ {
		for _, r := range cast() {
			if r.name == all[i] {
				all = append(all, r.needs...)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
