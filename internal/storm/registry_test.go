package storm

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// registry knows the living witnesses: each keeps a connection open until the kernel closes it.
type registry struct {
	dir   string
	facts *facts
	l     net.Listener
	pidfd map[who]int // of the living; guarded by facts.mu
}

func listen(dir string, f *facts) (*registry, error) {
	l, err := net.Listen("unix", filepath.Join(dir, "witness.sock"))
	if err != nil {
		return nil, err
	}
	r := &registry{dir: dir, facts: f, l: l, pidfd: map[who]int{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.attend(c)
		}
	}()
	return r, nil
}

// attend follows one witness from its birth to its death.
func (r *registry) attend(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	var n note
	line, err := in.ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &n) != nil {
		return // killed before it said its name
	}
	w := who{n.PID, n.Fork}
	fd, err := unix.PidfdOpen(n.PID, 0)
	if err != nil {
		fd = -1
	} else if fork, _ := forkTime(n.PID); fork != n.Fork {
		unix.Close(fd) // it died, and another process has its number
		fd = -1
	}
	r.facts.mu.Lock()
	l := &life{note: n, seen: n.T}
	r.facts.lives[w] = l
	if fd >= 0 {
		r.pidfd[w] = fd
	}
	r.facts.mu.Unlock()

	io.Copy(io.Discard, in)

	r.facts.mu.Lock()
	l.died = now()
	delete(r.pidfd, w)
	r.facts.mu.Unlock()
	if fd >= 0 {
		unix.Close(fd)
	}
}

// living gives the witnesses that live and pass keep.
func (r *registry) living(keep func(note) bool) (all []note) {
	r.facts.mu.Lock()
	defer r.facts.mu.Unlock()
	for w := range r.pidfd {
		if l := r.facts.lives[w]; keep(l.note) {
			all = append(all, l.note)
		}
	}
	return all
}

// look notes who lives now, for certain.
func (r *registry) look(keep func(note) bool) {
	for _, n := range r.living(keep) {
		t := now()
		if fork, alive := forkTime(n.PID); alive && fork == n.Fork {
			r.facts.mu.Lock()
			l := r.facts.lives[who{n.PID, n.Fork}]
			l.seen = max(l.seen, t)
			r.facts.mu.Unlock()
		}
	}
}

// shoot sends a signal to one witness, and to no other process: by pidfd. The shot is on record first.
func (r *registry) shoot(n note, sig syscall.Signal) {
	r.facts.mu.Lock()
	defer r.facts.mu.Unlock()
	w := who{n.PID, n.Fork}
	if fd, ok := r.pidfd[w]; ok {
		r.facts.shots = append(r.facts.shots, shot{now(), w, sig})
		unix.PidfdSendSignal(fd, sig, nil, 0)
	}
}

// notes reads the witnesses' file. A line without its end is being written.
func (r *registry) notes() ([]note, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, "witnesses"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var all []note
	for line := range strings.Lines(string(text)) {
		var n note
		if !strings.HasSuffix(line, "\n") {
			break
		}
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return nil, fmt.Errorf("the witnesses' file: %q: %w", line, err)
		}
		all = append(all, n)
	}
	return all, nil
}

// killAll ends every process of the storm, by its directory in the command line, whoever has lost sight of it.
func killAll(dir string) (killed []int) {
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		text, _ := os.ReadFile(p)
		var pid int
		fmt.Sscanf(p, "/proc/%d/cmdline", &pid)
		if pid != os.Getpid() && strings.Contains(string(text), dir) && syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed = append(killed, pid)
		}
	}
	return killed
}
