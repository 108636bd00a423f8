package lockfile

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Change says what a Watcher saw. All: anything may have changed (a group or host lock, an
// overflow, a new directory).
type Change struct {
	All      bool
	Services []string
}

// Watcher wakes when lock or hold files change, whoever changed them.
type Watcher struct {
	C <-chan struct{} // capacity one; closed when the watch ends

	mu       sync.Mutex
	all      bool
	services map[string]bool
	c        chan struct{}
	dirs     map[int32]watched
	d        *Dir
	f        *os.File
}

// watched is a directory under watch. service: whose files are in it; "" where a change may
// concern anybody.
type watched struct {
	path, service string
	parent        bool // new directories in it are watched too
}

// watchMask: a file appears, changes or goes. IN_CLOSE_WRITE and not IN_MODIFY: a lock written
// by hand counts when it is complete, and the gate reads it anyway.
const watchMask = unix.IN_CREATE | unix.IN_CLOSE_WRITE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_ONLYDIR

// Watch watches the lock and hold directories through inotify until ctx ends. No polling, no
// wake-up while nothing changes. What changed before it returned is not reported: read the
// state after.
func (d *Dir) Watch(ctx context.Context) (*Watcher, error) {
	if err := d.marked(); err != nil {
		return nil, err
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot watch %q: %w", d.path, err)
	}
	c := make(chan struct{}, 1)
	w := &Watcher{C: c, c: c, d: d, f: os.NewFile(uintptr(fd), "inotify"), dirs: map[int32]watched{}, services: map[string]bool{}}
	for _, dir := range []watched{
		{d.path + "/locks/host/" + hostName, "", false}, {d.path + "/locks/group", "", true},
		{d.path + "/locks/service", "", true}, {d.path + "/holds", "", true},
	} {
		if err := w.add(dir); err != nil {
			w.f.Close()
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { w.f.Close() })
	go func() {
		defer stop()
		w.read()
	}()
	return w, nil
}

// Take returns and forgets what changed since the last call.
func (w *Watcher) Take() Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := Change{All: w.all}
	for s := range w.services {
		ch.Services = append(ch.Services, s)
	}
	slices.Sort(ch.Services)
	w.all, w.services = false, map[string]bool{}
	return ch
}

// add watches a directory, then those in it. Watched first and listed then, so that one made in
// between is seen either way.
func (w *Watcher) add(dir watched) error {
	conn, err := w.f.SyscallConn()
	if err != nil {
		return err
	}
	var wd int
	cerr := conn.Control(func(fd uintptr) { wd, err = unix.InotifyAddWatch(int(fd), dir.path, watchMask) })
	if cerr != nil {
		return cerr
	}
	if err != nil {
		return fmt.Errorf("cannot watch %q: %w", dir.path, err)
	}
	w.dirs[int32(wd)] = dir
	if !dir.parent {
		return nil
	}
	names, err := w.d.disk.list(dir.path)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := w.addChild(dir, n); err != nil {
			return err
		}
	}
	return nil
}

// addChild watches the directory of one service or group. A file where a directory should be is
// nothing to watch.
func (w *Watcher) addChild(parent watched, name string) error {
	child := watched{path: parent.path + "/" + name}
	if !strings.HasSuffix(parent.path, "/group") {
		child.service = name
	}
	err := w.add(child)
	if err != nil && (strings.Contains(err.Error(), unix.ENOTDIR.Error()) || strings.Contains(err.Error(), unix.ENOENT.Error())) {
		return nil
	}
	return err
}

// inotifyBufferBytes takes a burst of events at once.
const inotifyBufferBytes = 64 << 10

// read turns events into wake-ups until the descriptor is closed.
func (w *Watcher) read() {
	defer close(w.c)
	buf := make([]byte, inotifyBufferBytes)
	for {
		n, err := w.f.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		for off := 0; off+unix.SizeofInotifyEvent <= n; {
			wd := int32(binary.NativeEndian.Uint32(buf[off:]))
			mask := binary.NativeEndian.Uint32(buf[off+4:])
			size := int(binary.NativeEndian.Uint32(buf[off+12:]))
			name := strings.TrimRight(string(buf[off+unix.SizeofInotifyEvent:off+unix.SizeofInotifyEvent+size]), "\x00")
			w.noteLocked(wd, mask, name)
			off += unix.SizeofInotifyEvent + size
		}
		w.mu.Unlock()
		select {
		case w.c <- struct{}{}:
		default: // not taken yet: one wake-up for both
		}
	}
}

// noteLocked remembers one event; w.mu is held.
func (w *Watcher) noteLocked(wd int32, mask uint32, name string) {
	dir, ok := w.dirs[wd]
	switch {
	case mask&unix.IN_IGNORED != 0:
		delete(w.dirs, wd)
	case !ok || mask&(unix.IN_Q_OVERFLOW|unix.IN_DELETE_SELF) != 0:
		w.all = true
	case dir.parent && mask&unix.IN_ISDIR != 0 && name != "":
		w.all = w.addChild(dir, name) != nil || dir.path == w.d.path+"/locks/group" || w.all
		if dir.path != w.d.path+"/locks/group" {
			w.services[name] = true
		}
	case dir.service != "":
		w.services[dir.service] = true
	default:
		w.all = true
	}
}
