package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/supd/supd/"

// floors has every package's floor. An import goes to a lower floor or is in
// sideways.
var floors = map[string]int{
	"lockfile":            0, // locks outlive supd, so they lean on nothing of it
	"supervisor/core":     0, // decides only: what it knows comes as an event
	"internal/version":    0,
	"supervisor/core/sim": 1, // a world around the core, for its tests
	"internal/where":      0,
	"internal/harmless":   0,
	"internal/several":    0,
	"internal/house":      0,
	"internal/await":      0, // how tests wait
	"internal/model":      0, // the protocol on paper: it leans on nothing, least of all on the code it judges
	"checks":              1,
	"internal/alert":      1,
	"internal/logfile":    1,
	"internal/socket":     1,
	"internal/who":        1,
	"internal/doctor":     1,
	"configs":             2,
	"internal/proc":       2,
	"internal/hands":      2,
	"internal/journal":    2,
	"internal/notices":    1,
	"internal/tell":       2,
	"systemd":             2,
	"internal/api":        3,
	"internal/web":        3,
	"internal/stray":      3,
	"supervisor":          4,
	"cmd/supd":            5,
	"cmd/supctl":          5,
	"bench/fsync":         0, // a floor of the benchmark, a program of its own
	"bench/floor":         0, // the bare loop, a program of its own
	"bench":               6, // drives the built programs and measures the packages
	"internal/e2e":        6,
	"internal/storm":      6,
	"internal/nspawn":     6, // boots a systemd with the built programs
	"internal/vm":         6, // boots a machine with the built programs
	"internal/vm/guest":   7, // what runs in it, a program of its own
}

// sideways are the imports within a floor.
var sideways = map[[2]string]string{
	{"internal/hands", "internal/proc"}: "hands does to processes what proc knows about them",
}

// leaning says what the packages that must stand alone may import besides the
// standard library. A prefix with a slash at the end covers what is below it.
var leaning = []struct {
	pkg     string
	allowed []string
	reason  string
}{
	{"lockfile", []string{"golang.org/x/sys/", "github.com/BurntSushi/toml"}, "other Go programs use it on its own"},
	{"supervisor/core", nil, "a pure function replays byte for byte; anything more would let the world in"},
	{"checks", []string{"golang.org/x/sys/", "github.com/BurntSushi/toml", "github.com/shirou/gopsutil/v3/"}, "a check looks and never acts"},
	{"internal/model", nil, "a model that ran the code would have the code's faults"},
	{"internal/where", nil, "supctl must find supd before anything else works"},
}

// reserved imports belong to the packages named; tests may use them anywhere.
var reserved = []struct {
	path   string
	users  []string
	reason string
}{
	{"os/exec", []string{"internal/proc", "internal/hands", "cmd/supctl", "bench", "internal/e2e", "internal/nspawn", "internal/vm", "internal/vm/guest"},
		"inside supd only these start processes; supctl runs the pager and the person's own command"},
	{"go.etcd.io/bbolt", []string{"internal/journal"}, "history has one owner, and losing it loses nothing else"},
	{"github.com/spf13/cobra", []string{"cmd/supd", "cmd/supctl"}, "flags belong to programs"},
	{"github.com/prometheus/", []string{"supervisor", "bench"}, "metrics are the shell's"},
	{"github.com/coreos/go-systemd/v22/", []string{"systemd"}, "one package speaks to systemd"},
	{"math/rand", nil, "math/rand/v2 with a seed that can be printed"},
	{"unsafe", []string{"internal/proc", "internal/hands", "lockfile", "internal/who", "internal/api"}, "only raw system calls need it"},
}

// silent are identifiers that a package must not use, as "import.Name".
var silent = []struct {
	pkg    string
	names  []string
	reason string
}{
	{"supervisor/core", []string{"time.Now", "time.Sleep", "time.After", "time.NewTimer", "time.NewTicker", "time.AfterFunc", "time.Since"},
		"time is an argument of Step"},
	{"configs", []string{"os.WriteFile", "os.Create", "os.Mkdir", "os.MkdirAll", "os.Remove", "os.Rename"}, "reading a config changes nothing"},
	{"checks", []string{"os.StartProcess", "syscall.Kill", "syscall.ForkExec"}, "a check looks and never acts"},
}

// starters make processes without os/exec.
var starters = []string{"os.StartProcess", "syscall.ForkExec", "syscall.StartProcess", "syscall.Exec", "unix.Exec"}

// mayStart may use the starters.
var mayStart = map[string]string{
	"internal/proc":     "the one place where processes begin, so that none is reaped by somebody else",
	"internal/hands":    "effects on services",
	"cmd/supctl":        "guard: what waited to be on record becomes the person's command",
	"cmd/supd":          "re-executes itself for an upgrade",
	"supervisor":        "re-executes itself for an upgrade",
	"bench":             "runs supervisors to be measured",
	"bench/floor":       "is the bare loop",
	"internal/vm/guest": "is PID 1 of a test's machine",
}

// takenApart use errors.Join for what is taken apart again before anybody reads it: a line for each mistake.
var takenApart = []string{"checks", "configs"}

type pkg struct {
	ImportPath, Dir  string
	Imports, GoFiles []string
}

// name is the path below the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func listed(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", module+"...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list finds %d packages", len(all))
	}
	return all
}

func TestImportsGoDownward(t *testing.T) {
	for _, p := range listed(t) {
		for _, fault := range faultsOf(p) {
			t.Error(fault)
		}
	}
}

// faultsOf judges one package's imports.
func faultsOf(p pkg) []string {
	var faults []string
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	name := p.name()
	floor, known := floors[name]
	if !known {
		add("%s is on no floor: give it one in this test", name)
	}
	for _, imp := range p.Imports {
		if below, ours := strings.CutPrefix(imp, module); ours {
			if floors[below] >= floor && sideways[[2]string{name, below}] == "" {
				add("%s (floor %d) imports %s (floor %d): imports go strictly downward", name, floor, below, floors[below])
			}
			if rule := leaningOf(name); rule >= 0 && floor == 0 {
				add("%s imports %s: %s", name, below, leaning[rule].reason)
			}
			continue
		}
		for _, r := range reserved {
			if covers(r.path, imp) && !slices.Contains(r.users, name) {
				add("%s imports %s: %s", name, imp, r.reason)
			}
		}
		if rule := leaningOf(name); rule >= 0 && !standard(imp) && !slices.ContainsFunc(leaning[rule].allowed, func(a string) bool { return covers(a, imp) }) {
			add("%s imports %s: %s", name, imp, leaning[rule].reason)
		}
	}
	return faults
}

func leaningOf(name string) int {
	for i, l := range leaning {
		if l.pkg == name {
			return i
		}
	}
	return -1
}

// covers reports whether a rule's path means the import.
func covers(rule, imp string) bool {
	return imp == strings.TrimSuffix(rule, "/") || strings.HasSuffix(rule, "/") && strings.HasPrefix(imp, rule)
}

// standard reports whether a package is Go's own: no dot in its first part.
func standard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

func TestNobodyElseStartsProcessesOrAsksTheClock(t *testing.T) {
	for _, p := range listed(t) {
		var banned []string
		reason := map[string]string{}
		for _, s := range silent {
			if s.pkg == p.name() {
				for _, n := range s.names {
					banned, reason[n] = append(banned, n), s.reason
				}
			}
		}
		if mayStart[p.name()] == "" {
			for _, n := range starters {
				banned, reason[n] = append(banned, n), "processes begin in internal/proc"
			}
		}
		if !slices.Contains(takenApart, p.name()) {
			banned, reason["errors.Join"] = append(banned, "errors.Join"), "it breaks the line in a log or a table; internal/several does not"
		}
		for _, file := range p.GoFiles {
			for _, use := range usesIn(t, filepath.Join(p.Dir, file), nil) {
				if slices.Contains(banned, use.name) {
					t.Errorf("%s uses %s: %s", use.at, use.name, reason[use.name])
				}
			}
		}
	}
}

type use struct{ name, at string }

// usesIn lists the IMPORT.NAME expressions of a file; src may replace its text.
func usesIn(t *testing.T, path string, src any) []use {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var uses []use
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				uses = append(uses, use{x.Name + "." + sel.Sel.Name, set.Position(sel.Pos()).String()})
			}
		}
		return true
	})
	return uses
}

// The rules must be able to fail.
func TestRulesBite(t *testing.T) {
	for _, tc := range []struct {
		pkg, imp string
		fault    bool
	}{
		{"supervisor/core", "time", false},
		{"supervisor/core", "golang.org/x/sys/unix", true},
		{"supervisor/core", module + "lockfile", true},
		{"lockfile", "github.com/BurntSushi/toml", false},
		{"lockfile", module + "internal/version", true},
		{"checks", module + "internal/proc", true},
		{"configs", module + "checks", false},
		{"configs", module + "internal/api", true},
		{"internal/hands", module + "internal/proc", false},
		{"internal/proc", module + "internal/hands", true},
		{"supervisor", "os/exec", true},
		{"supervisor", "github.com/prometheus/client_golang/prometheus", false},
		{"internal/api", "github.com/prometheus/client_golang/prometheus", true},
		{"internal/unheard", "fmt", true},
	} {
		faults := faultsOf(pkg{ImportPath: module + tc.pkg, Imports: []string{tc.imp}})
		if (len(faults) > 0) != tc.fault {
			t.Errorf("%s importing %s: faults %q, want a fault: %t", tc.pkg, tc.imp, faults, tc.fault)
		}
	}
	uses := usesIn(t, "x.go", "package x\nimport \"time\"\nfunc f() { _ = time.Now() }\n")
	if len(uses) != 1 || uses[0].name != "time.Now" {
		t.Errorf("uses of the clock: %v", uses)
	}
}
