package who

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// LockVariable names in the environment of what `maintenance exec` runs the ids of its locks, with spaces between.
const LockVariable = "SUPD_LOCK_ID"

// signsMax bounds how many processes are named: who decides whether to break a lock needs one.
const signsMax = 5

// SignsOfLife looks for processes that work under the lock of an id, or in one of dirs: those that maintenance exec began, and
// those that stand in dirs or have a file below them open for writing, whosever they are. others are processes that do not
// count, with their descendants: the services' own. In words, never nil; complete is false when the time was over before every
// process was looked at. It sees what the caller may see. A process that hangs in the kernel may hang the caller as well
// (proc(5), environ): not for a goroutine that others wait for.
func SignsOfLife(id string, dirs []string, others []int, until time.Time) (signs []string, complete bool) {
	signs = []string{}
	names, err := readNames("/proc")
	if err != nil {
		return signs, false
	}
	dirs = realDirs(dirs)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		if time.Now().After(until) {
			return signs, false
		}
		proc := filepath.Join("/proc", name)
		how := workIn(proc, dirs)
		switch {
		case how != "" && !descends(pid, others):
		case underLock(proc, id):
			how = "was begun by the lock's maintenance exec and runs"
		default:
			continue
		}
		p, err := readProcess(proc)
		if err != nil {
			continue // gone meanwhile
		}
		owner := p.owner(pid)
		owner.Name = Name(owner.Person())
		signs = append(signs, fmt.Sprintf("pid %d (%s) of %s %s", pid, commandOf(proc), owner, how))
		if len(signs) == signsMax {
			return signs, true
		}
	}
	return signs, true
}

// underLock says whether a process has a lock's id in its environment.
func underLock(proc, id string) bool {
	environ, err := os.ReadFile(proc + "/environ")
	if err != nil {
		return false
	}
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if ids, ok := bytes.CutPrefix(entry, []byte(LockVariable+"=")); ok {
			for one := range bytes.FieldsSeq(ids) {
				if string(one) == id {
					return true
				}
			}
		}
	}
	return false
}

// commandOf is the short name of a process (proc(5), comm), of its own choosing.
func commandOf(proc string) string {
	comm, err := os.ReadFile(proc + "/comm")
	if err != nil {
		return "?"
	}
	return string(bytes.TrimSpace(comm))
}
