package stray

import (
	"bufio"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/socket"
)

// Want is how a service looks, whoever runs it.
type Want struct {
	Service string
	Exe     string   // the program that the kernel runs: of a script, its interpreter
	Script  string   // "" if Exe is the service's own program
	Name    string   // base of the program as the command has it: programs like busybox go by it
	Args    []string // after the program, or after the script

	Common bool // everybody's program with nothing that only this service has: `sleep 1000`

	telling   []string // of Args, what tells this service from others that run the same program
	dedicated bool     // the program is hardly good for anything else
}

// Of is the look of a service's command. dir and env are what it would be started with. ok is false where its program is not
// there.
func Of(service string, argv []string, dir string, env []string) (w Want, ok bool) {
	if len(argv) == 0 {
		return w, false
	}
	program, err := proc.FindProgram(argv[0], env)
	if err != nil {
		return w, false
	}
	if program, err = resolved(program, dir); err != nil {
		return w, false
	}
	w = Want{Service: service, Exe: program, Name: filepath.Base(argv[0]), Args: argv[1:]}
	if interpreter := interpreterOf(program, env); interpreter != "" {
		w.Exe, w.Script = interpreter, program
	}
	w.tell()
	return w, true
}

// Program is the file of the service: the script, where it is one.
func (w Want) Program() string {
	if w.Script != "" {
		return w.Script
	}
	return w.Exe
}

// Ran is the look of a process that was the service: what a wrapper (sh -c, env, numactl) has become in the end.
func Ran(service string, p Program) Want {
	w := Want{Service: service, Exe: p.Exe, Name: filepath.Base(p.Exe)}
	if len(p.Argv) > 0 {
		w.Name, w.Args = filepath.Base(p.Argv[0]), p.Argv[1:]
	}
	w.tell()
	return w
}

// tell finds what tells the service from others: every argument that is no bare option.
func (w *Want) tell() {
	for _, a := range w.Args {
		if !strings.HasPrefix(a, "-") || strings.Contains(a, "/") || strings.Contains(a, "=") {
			w.telling = append(w.telling, a)
		}
	}
	switch filepath.Dir(w.Exe) {
	case "/bin", "/usr/bin": // sleep, sh, python3: everybody's
		w.dedicated = w.Script != ""
		named := func(a string) bool { return strings.Contains(a, "/") }
		w.Common = w.Script == "" && !slices.ContainsFunc(w.Args, named)
	default:
		w.dedicated = true
	}
}

func resolved(path, dir string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return filepath.EvalSymlinks(path)
}

// interpreterOf reads the first line of a script (execve(2)); "" where the program is none.
func interpreterOf(program string, env []string) string {
	f, err := os.Open(program)
	if err != nil {
		return ""
	}
	defer f.Close()
	const lineMax = 256 // BINPRM_BUF_SIZE
	line, _ := bufio.NewReaderSize(f, lineMax).ReadSlice('\n')
	rest, script := strings.CutPrefix(string(line), "#!")
	words := strings.Fields(rest)
	if !script || len(words) == 0 {
		return ""
	}
	name := words[0]
	if filepath.Base(name) == "env" && len(words) > 1 {
		if name, err = proc.FindProgram(words[len(words)-1], env); err != nil {
			return ""
		}
	}
	if name, err = resolved(name, "/"); err != nil {
		return ""
	}
	return name
}

// Addresses are those of must_be_free, as far as a listening socket can be known by them: of host names only localhost.
func Addresses(texts []string) []socket.Address {
	var as []socket.Address
	for _, text := range texts {
		port, local := strings.CutPrefix(text, "tcp:localhost:")
		if !local {
			if a, err := socket.Parse(text); err == nil {
				as = append(as, a)
			}
			continue
		}
		if a, err := socket.Parse("tcp::" + port); err == nil {
			for _, ip := range [...]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
				a.IP = ip
				as = append(as, a)
			}
		}
	}
	return as
}
