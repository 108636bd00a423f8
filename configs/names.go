package configs

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/supd/supd/lockfile"
)

// Names is what a lock needs to know of a config: who is called what.
type Names struct {
	Services map[string]lockfile.Identity // zero Identity: the name stands there, what it runs could not be read
	Groups   map[string][]string          // group → services; nil: the group's table could not be read
	StateDir string                       // [daemon] state_dir, "" when absent
	RunDir   string

	files, globs []string // what they were read from
}

// NamesOnly reads names even where Load finds mistakes: a config that cannot
// be parsed never prevents a lock on a name given in full. What cannot be read
// is left out; err tells the first cause and does not make the names useless.
// Owner and mode of the files are not judged: nothing in them is run.
func NamesOnly(path string) (Names, error) {
	n := &namesReader{
		names: Names{Services: map[string]lockfile.Identity{}, Groups: map[string][]string{}},
		exp:   newExpander(nil, &collector{}),
		seen:  map[string]bool{}, instances: map[string]int{},
	}
	n.file(path)
	n.names.Services = apart(n.names.Services, nil)
	for name, members := range n.names.Groups {
		n.names.Groups[name] = withInstances(members, n.instances)
	}
	return n.names, n.err
}

// NamesOf is NamesOnly for a plan that is at hand.
func (p *Plan) NamesOf() Names {
	lp := p.Lockfile(0, nil)
	return Names{Services: lp.Services, Groups: lp.Groups, StateDir: p.Daemon.StateDir, RunDir: p.Daemon.RunDir}
}

// namesReader gathers names from whatever can be read.
type namesReader struct {
	names Names
	exp   *expander
	seen  map[string]bool // paths: an include that includes its own file ends here
	err   error           // the first

	instances map[string]int
}

func (n *namesReader) fail(err error) {
	if n.err == nil {
		n.err = err
	}
}

// file reads one file: as a whole if it parses, else table by table.
func (n *namesReader) file(path string) {
	if n.seen[path] || len(n.seen) >= filesMax {
		return
	}
	n.seen[path] = true
	n.names.files = append(n.names.files, path)
	text, err := readFile(path)
	if err != nil {
		n.fail(err)
		return
	}
	tree := map[string]any{}
	if _, err := toml.Decode(string(text), &tree); err == nil {
		n.take(filepath.Dir(path), tree)
		return
	} else {
		n.fail(err)
	}
	for _, piece := range pieces(string(text)) {
		n.piece(filepath.Dir(path), piece)
	}
}

// take reads the names of a table tree, whatever else is wrong in it.
func (n *namesReader) take(dir string, tree map[string]any) {
	if daemon, ok := tree["daemon"].(map[string]any); ok {
		n.dir(&n.names.StateDir, daemon["state_dir"])
		n.dir(&n.names.RunDir, daemon["run_dir"])
	}
	services, _ := tree["service"].(map[string]any)
	for name, v := range services {
		if lockfile.ValidName(name) == nil {
			table, _ := v.(map[string]any)
			n.services(name, table)
		}
	}
	groups, _ := tree["group"].(map[string]any)
	for name, v := range groups {
		if table, ok := v.(map[string]any); ok && lockfile.ValidName(name) == nil {
			n.group(name, table["services"])
		}
	}
	include, _ := tree["include"].([]any)
	for _, v := range include {
		glob, _ := v.(string)
		if glob = n.exp.text(place{}, glob); !filepath.IsAbs(glob) {
			glob = filepath.Join(dir, glob)
		}
		n.names.globs = append(n.names.globs, glob)
		found, _ := filepath.Glob(glob)
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				n.file(path)
			}
		}
	}
}

// dir takes a directory's name if it is one.
func (n *namesReader) dir(into *string, v any) {
	if text, ok := v.(string); ok {
		*into = n.exp.text(place{}, text)
	}
}

// services takes a table that may stand for several.
func (n *namesReader) services(name string, table map[string]any) {
	count, several := instanceCount(table)
	if !several {
		n.service(name, identityOf(table))
		return
	}
	n.instances[name] = count
	for i := 1; i <= count; i++ {
		own, _ := substituted(table, strconv.Itoa(i), false).(map[string]any)
		n.service(instanceName(name, i), identityOf(own))
	}
}

// service keeps what is known already: a later piece of a broken file may name
// the service without its command.
func (n *namesReader) service(name string, id lockfile.Identity) {
	if old := n.names.Services[name]; old == (lockfile.Identity{}) {
		n.names.Services[name] = id
	}
}

// group unites the members of all pieces that name the group: a lock that
// covers too much is safe, one that covers too little is not.
func (n *namesReader) group(name string, v any) {
	members := n.names.Groups[name]
	list, _ := v.([]any)
	for _, m := range list {
		if s, ok := m.(string); ok && lockfile.ValidName(s) == nil && !contains(members, s) {
			members = append(members, s)
		}
	}
	n.names.Groups[name] = members
}

// piece reads one table of a file that does not parse as a whole.
func (n *namesReader) piece(dir, text string) {
	tree := map[string]any{}
	if _, err := toml.Decode(text, &tree); err == nil {
		n.take(dir, tree)
		return
	}
	m := namedHeader.FindStringSubmatch(text)
	if m == nil {
		return
	}
	s := &scanner{text: m[2], lineNo: 1}
	parts := s.key()
	if len(parts) == 0 || lockfile.ValidName(parts[0]) != nil {
		return
	}
	if m[1] == "service" {
		n.service(parts[0], lockfile.Identity{})
	} else if _, known := n.names.Groups[parts[0]]; !known {
		n.names.Groups[parts[0]] = nil
	}
}

// namedHeader finds the name in a header, even one without its bracket.
var namedHeader = regexp.MustCompile(`^[ \t]*\[[ \t]*(service|group)[ \t]*\.[ \t]*([^\]\r\n]+)`)

// pieces cuts a text before every line that looks like a table header. A
// header inside a multi-line string cuts too much: then that piece names less.
func pieces(text string) []string {
	var out []string
	start := 0
	for at := 0; at < len(text); {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at - 1
		}
		if line := strings.TrimLeft(text[at:at+end+1], " \t"); strings.HasPrefix(line, "[") && at > start {
			out, start = append(out, text[start:at]), at
		}
		at += end + 1
	}
	return append(out, text[start:])
}
