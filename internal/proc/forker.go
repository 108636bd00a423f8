package proc

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// forker forks on threads of its own, each with a table of descriptors of its own in which there is next to nothing. A child
// gets a copy of its parent's table, and at its exec each descriptor in it is closed: with a thousand pidfds in the table
// that is a third of what a start costs, with five thousand more than half.
//
// It is the same process: what they fork is supd's child, and dies or lives with supd as before. A thread has one fork under
// way at a time; whoever finds them all busy, be it that an exec hangs in a dead file server, forks elsewhere.
type forker struct {
	jobs chan *forkJob
	quit chan struct{}
}

// forkJob is one call of syscall.ForkExec.
type forkJob struct {
	path string
	argv []string
	attr *syscall.ProcAttr // Files are of the table that everybody else has
	held []uintptr         // so are these
	in   *Cgroup           // to fork into; nil: supd's own
	pid  int
	err  error
	done chan struct{}
}

// errNoForker: threads cannot have a table of their own here, or nobody could fill it.
var errNoForker = errors.New("cannot fork from a table of descriptors of its own")

// newForker starts so many threads. known is any open descriptor, with which they try whether they can work (a kernel before
// 5.6, or a filter of system calls, may forbid it).
func newForker(threads, known int) (*forker, error) {
	f := &forker{jobs: make(chan *forkJob), quit: make(chan struct{})}
	for range threads {
		ready := make(chan error)
		go f.run(known, ready)
		if err := <-ready; err != nil {
			f.close()
			return nil, err
		}
	}
	return f, nil
}

// close ends the threads once the forks that are under way are over.
func (f *forker) close() { close(f.quit) }

// run is one thread. It is never unlocked: when the goroutine returns, the runtime ends a thread that is not like others.
func (f *forker) run(known int, ready chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == os.Getpid() {
		// The first thread stands for the process: /proc/self/fd and pidfd_getfd(2) look at its table. It is kept busy until
		// another one has been found.
		other := make(chan error)
		go f.run(known, other)
		ready <- <-other
		runtime.UnlockOSThread()
		return
	}
	self, err := leaveTable(known)
	ready <- err
	for err == nil {
		select {
		case <-f.quit:
			return // and with the thread its table goes
		case j := <-f.jobs:
			j.pid, j.err = j.fork(self)
			close(j.done)
		}
	}
}

// leaveTable gives the calling thread a table with the first three descriptors, those that Go's runtime waits and wakes with,
// which it may do on any thread, and a pidfd of this process: self.
func leaveTable(known int) (self int, err error) {
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		return -1, fmt.Errorf("%w: %w", errNoForker, err)
	}
	keep, err := runtimeFDs()
	if err != nil {
		return -1, err
	}
	from := firstOwnFD
	for _, fd := range append(keep, maxFD) {
		if fd > from {
			if err := unix.CloseRange(uint(from), uint(fd-1), 0); err != nil {
				return -1, fmt.Errorf("%w: %w", errNoForker, err)
			}
		}
		from = fd + 1
	}
	if self, err = unix.PidfdOpen(os.Getpid(), 0); err != nil {
		return -1, fmt.Errorf("%w: %w", errNoForker, err)
	}
	fd, err := unix.PidfdGetfd(self, known, 0)
	if err != nil {
		return -1, fmt.Errorf("%w: %w", errNoForker, err)
	}
	return self, unix.Close(fd)
}

// maxFD is above every descriptor (fs.nr_open is at most 2^31 - 64 or so).
const maxFD = 1<<31 - 1

// runtimeFDs lists, in order, the epoll and event descriptors of the calling thread. There are both: the runtime has made its
// own when somebody waits for a descriptor.
func runtimeFDs() ([]int, error) {
	const dir = "/proc/thread-self/fd" // Linux 3.17
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var fds []int
	polls, events := 0, 0
	for _, n := range names {
		what, err := os.Readlink(dir + "/" + n)
		fd, bad := strconv.Atoi(n)
		switch {
		case err != nil || bad != nil || fd < firstOwnFD:
			continue
		case strings.HasSuffix(what, "[eventpoll]"):
			polls++
		case strings.HasSuffix(what, "[eventfd]"):
			events++
		default:
			continue
		}
		fds = append(fds, fd)
	}
	if polls < 2 || events < 1 { // one epoll is the watcher's
		return nil, errNoForker
	}
	slices.Sort(fds)
	return fds, nil
}

// forkExec is syscall.ForkExec in a cgroup, on a thread of the forker's; ok is false if none is free, and nothing was done.
// Errors are the same.
func (f *forker) forkExec(j forkJob) (pid int, err error, ok bool) {
	j.done = make(chan struct{})
	select {
	case f.jobs <- &j:
	case <-f.quit:
		return 0, errors.New("cannot fork: the table of processes is closed"), true
	default:
		return 0, nil, false
	}
	<-j.done
	return j.pid, j.err, true
}

// fork takes over the child's descriptors, and lets go of them afterwards. self is the calling thread's pidfd of the process.
func (j *forkJob) fork(self int) (int, error) {
	ours := make([]uintptr, 0, len(j.attr.Files)+len(j.held)) // close-on-exec, each of them
	defer func() {
		for _, fd := range ours {
			unix.Close(int(fd))
		}
	}()
	for _, theirs := range slices.Concat(j.attr.Files, j.held) {
		fd, err := unix.PidfdGetfd(self, int(theirs), 0)
		if err != nil {
			return 0, err
		}
		ours = append(ours, uintptr(fd))
	}
	attr := *j.attr
	attr.Files = ours[:len(j.attr.Files)]
	return forkIn(j.in, j.path, j.argv, &attr)
}

// forkIn is syscall.ForkExec with no signal blocked, and into a cgroup (nil: supd's own).
func forkIn(g *Cgroup, path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	if g != nil {
		dir, err := unix.Open(g.Path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, fmt.Errorf("cannot open cgroup %q: %w", g.Path, err)
		}
		defer unix.Close(dir)
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, dir
	}
	err = unblocked(func() error {
		pid, err = syscall.ForkExec(path, argv, attr)
		return err
	})
	return pid, err
}
