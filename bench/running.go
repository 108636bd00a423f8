package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// running is a supervisor with n services.
type running struct {
	s       *settings
	births  *births
	dir     string
	program string
	argv    []string
	env     []string
	gentle  bool

	pid   int
	began int64
}

// prepare makes everything for a subject with n services, and starts nothing.
func prepare(s *settings, p subject, n int) (*running, error) {
	dir, err := os.MkdirTemp(s.dir, "d-")
	if err != nil {
		return nil, err
	}
	r := &running{s: s, dir: dir, gentle: p.gentle}
	if r.births, err = listenBirths(dir); err != nil {
		return nil, err
	}
	if r.argv, r.env, err = p.command(s, dir, r.births, n); err != nil {
		return nil, err
	}
	r.program, err = exec.LookPath(r.argv[0])
	return r, err
}

// start runs the subject. Its descendants come to this process when their parents end (main made it a subreaper), so that
// end finds them all.
func (r *running) start() error {
	log, err := os.Create(filepath.Join(r.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	r.began = monotonic()
	r.pid, err = syscall.ForkExec(r.program, r.argv, &syscall.ProcAttr{
		Dir: r.dir, Env: append(os.Environ(), r.env...), Files: []uintptr{0, log.Fd(), log.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// close forgets a subject that has ended.
func (r *running) close() error {
	r.births.close()
	return os.RemoveAll(r.dir)
}

// supctl is one run of the client; its output is an error's text.
func (r *running) supctl(args ...string) error {
	cmd := exec.Command(filepath.Join(r.s.dir, "supctl"), args...)
	cmd.Env = append(os.Environ(), "SUPD_SOCKET="+filepath.Join(runDir(r.dir), "supd.sock"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("supctl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// stop ends supd in order, its services with it.
func (r *running) stop() error {
	if err := syscall.Kill(r.pid, syscall.SIGTERM); err != nil {
		return err
	}
	var w syscall.WaitStatus
	if _, err := syscall.Wait4(r.pid, &w, 0, nil); err != nil {
		return err
	}
	if w.ExitStatus() != 0 {
		text, _ := os.ReadFile(filepath.Join(r.dir, "log"))
		return fmt.Errorf("supd: exit %d\n%s", w.ExitStatus(), text)
	}
	return nil
}

// endMax bounds the killing of what a peer started.
const endMax = 60 * time.Second

// end ends a subject and everything it started: in order, or by killing, supervisors first.
func (r *running) end() error {
	if r.gentle {
		return r.stop()
	}
	for until := time.Now().Add(endMax); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
		left := descendants(os.Getpid())
		if len(left) == 0 {
			return nil
		}
		// A service whose supervisor still lives would only come back.
		supervisors := r.without(left)
		if len(supervisors) > 0 {
			left = supervisors
		}
		for _, pid := range left {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				return err
			}
		}
	}
	return fmt.Errorf("processes of %s are left after %v", r.dir, endMax)
}

// own are the processes of the supervisor itself: all below it that run another program than the services do.
func (r *running) own() []int { return r.without(append(descendants(r.pid), r.pid)) }

func (r *running) without(pids []int) []int {
	var own []int
	for _, pid := range pids {
		if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && exe != r.s.mark() {
			own = append(own, pid)
		}
	}
	return own
}

// descendants are the living processes below pid (proc(5), stat).
func descendants(pid int) []int {
	children := map[int][]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, d := range dirs {
		text, err := os.ReadFile(d)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		child, _ := strconv.Atoi(strings.Split(d, "/")[2])
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], child)
	}
	var all []int
	for next := children[pid]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}

// adoptOrphans makes this process the parent of whatever its descendants leave behind (PR_SET_CHILD_SUBREAPER, Linux 3.4).
func adoptOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }
