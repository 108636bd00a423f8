package stray

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Program is what a process runs.
type Program struct {
	PID  int
	Exe  string   // as the kernel names it, in the process's own mounts
	Argv []string // as the process has it now: some programs write a title over it
	gone bool     // the file was replaced or removed meanwhile

	file  *bool    // whether it runs the file of Exe, not one of that name in a container; nil: not asked yet
	paths []string // what each of Argv names as a file, "" for nothing; nil: not asked yet
}

const (
	deletedMark  = " (deleted)" // proc_pid_exe(5)
	argvBytesMax = 128 << 10
)

// ExeOf is what a process runs; "" for one that is gone, may not be looked at, or is the kernel's own. It is one system call,
// so that a look at everybody is cheap.
func ExeOf(pid int) string {
	exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(exe, deletedMark)
}

// Read looks at a process. ok is false if there is nothing to see.
func Read(pid int) (p Program, ok bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	exe, err := os.Readlink(dir + "/exe")
	if err != nil {
		return p, false
	}
	f, err := os.Open(dir + "/cmdline")
	if err != nil {
		return p, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, argvBytesMax))
	if err != nil || len(b) == 0 { // a zombie has none
		return p, false
	}
	p = Program{PID: pid, Argv: strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")}
	p.Exe, p.gone = strings.CutSuffix(exe, deletedMark)
	return p, true
}

// sameFile says whether a process runs the very file of its name, not one in a container. Of a file that was replaced since
// only the name is left. Many services may run one program, so it is found out once.
func (p *Program) sameFile() bool {
	if p.gone {
		return true
	}
	if p.file == nil {
		theirs, err := os.Stat("/proc/" + strconv.Itoa(p.PID) + "/exe")
		ours, ourErr := os.Stat(p.Exe)
		same := err == nil && ourErr == nil && os.SameFile(theirs, ours)
		p.file = &same
	}
	return *p.file
}

// rest is what follows the script among the arguments; ok is false if it is not there. A script that is named relatively is
// found from where the process stands now.
func (p *Program) rest(script string) (args []string, ok bool) {
	if p.paths == nil {
		p.paths = make([]string, len(p.Argv))
		cwd, err := os.Readlink("/proc/" + strconv.Itoa(p.PID) + "/cwd")
		if err != nil {
			cwd = "/"
		}
		for i, a := range p.Argv {
			if i > 0 && a != "" && !strings.HasPrefix(a, "-") {
				p.paths[i], _ = resolved(a, cwd) // "" when it names no file
			}
		}
	}
	at := slices.Index(p.paths, script)
	if at < 0 {
		return nil, false
	}
	return p.Argv[at+1:], true
}
