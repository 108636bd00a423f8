package supervisor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/supervisor/core"
)

// What waiting for a line may cost, however fast a service writes.
const (
	lineBytesMax = 64 << 10              // of one line; what is longer is looked at in parts
	passBytesMax = 256 << 10             // of one file at a time
	passGap      = 20 * time.Millisecond // between two looks
)

// lines waits for lines in the log files of services that are being started: one inotify descriptor and one goroutine for
// all, and nothing to do while none is starting.
type lines struct {
	inotify *os.File

	mu    sync.Mutex
	tails map[int32][]*tail // by watch; services can share a file
}

// tail is the search in one file.
type tail struct {
	service string
	gen     uint64
	pattern *regexp.Regexp
	file    *os.File
	at      int64 // what is before was read, or is older than the start
	rest    []byte
	found   func()
}

func newLineWait() (*lines, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("cannot watch files: %w", err)
	}
	l := &lines{inotify: os.NewFile(uintptr(fd), "inotify of logs"), tails: map[int32][]*tail{}}
	go l.loop()
	return l, nil
}

// awaitLine has the core told when a line of the instance's output fits. at is where its output begins in the file.
func (s *Supervisor) awaitLine(svc *service, conf *configs.Service, gen uint64, at int64) {
	if conf.Ready.Mode != configs.ReadyLog || s.lines == nil {
		return
	}
	_, path := conf.LogPlace(s.dir.Path())
	pattern, err := regexp.Compile(conf.Ready.Pattern)
	if err == nil {
		err = s.lines.await(path, &tail{service: svc.name, gen: gen, pattern: pattern, at: at,
			found: func() { go s.send(core.Ready{Service: svc.name, Gen: gen}) }})
	}
	if err != nil {
		s.log.Warn("cannot wait for a line of its log", "service", svc.name, "err", err)
	}
}

// sizeOf is where the next output goes in a log file; 0 if it is not there yet.
func sizeOf(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}

// await begins a search, with what is in the file already.
func (l *lines) await(path string, t *tail) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	t.file = f
	raw, err := l.inotify.SyscallConn()
	if err != nil {
		f.Close()
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	wd := 0
	// The file that was opened, not another one that the path may name by now.
	if cerr := raw.Control(func(fd uintptr) {
		wd, err = unix.InotifyAddWatch(int(fd), fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.IN_MODIFY)
	}); cerr != nil {
		err = cerr
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("cannot watch %q: %w", path, err)
	}
	l.tails[int32(wd)] = append(l.tails[int32(wd)], t)
	// It may have been written before the watch stood. Wakes the loop, which looks at everything once.
	return l.inotify.SetReadDeadline(time.Unix(1, 0))
}

// forget ends the search for an instance, if there is one.
func (l *lines) forget(service string, gen uint64) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for wd := range l.tails {
		l.dropLocked(wd, func(t *tail) bool { return t.service == service && t.gen == gen })
	}
}

// dropLocked ends searches of one watch, and the watch with the last. l.mu must be held.
func (l *lines) dropLocked(wd int32, over func(*tail) bool) {
	left := slices.DeleteFunc(l.tails[wd], func(t *tail) bool {
		if !over(t) {
			return false
		}
		t.file.Close()
		return true
	})
	l.tails[wd] = left
	if len(left) > 0 {
		return
	}
	delete(l.tails, wd)
	if raw, err := l.inotify.SyscallConn(); err == nil {
		// The file may be gone, and the watch with it.
		_ = raw.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) })
	}
}

func (l *lines) close() {
	if l != nil {
		l.inotify.Close()
	}
}

// loop looks into the files that were written to, not more often than every passGap.
func (l *lines) loop() {
	buf := make([]byte, 16<<10)
	for {
		dirty := map[int32]bool{}
		n, err := l.inotify.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if l.inotify.SetReadDeadline(time.Time{}) != nil {
				return
			}
		case err != nil:
			return // closed
		}
		all := err != nil
		for off := 0; off+unix.SizeofInotifyEvent <= n; {
			wd := int32(binary.NativeEndian.Uint32(buf[off:]))
			all = all || wd < 0 // the queue was full
			dirty[wd] = true
			off += unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[off+12:]))
		}
		if l.look(dirty, all) {
			_ = l.inotify.SetReadDeadline(time.Unix(1, 0)) // more is there: next time round
		}
		<-time.After(passGap)
	}
}

// look reads on in the files, and says whether more is left in one of them.
func (l *lines) look(dirty map[int32]bool, all bool) (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for wd := range l.tails {
		if all || dirty[wd] {
			l.dropLocked(wd, func(t *tail) bool {
				found, left := t.read()
				more = more || left
				return found
			})
		}
	}
	return more
}

// read goes on by a bounded piece.
func (t *tail) read() (found, more bool) {
	if st, err := t.file.Stat(); err == nil && st.Size() < t.at {
		t.at, t.rest = 0, nil // cut off or rotated
	}
	chunk := make([]byte, passBytesMax)
	n, err := t.file.ReadAt(chunk, t.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, false
	}
	t.at += int64(n)
	text := append(t.rest, chunk[:n]...)
	for len(text) > 0 {
		end := bytes.IndexByte(text, '\n')
		whole := end >= 0
		if !whole {
			end = len(text)
		}
		if t.pattern.Match(text[:end]) { // also a line that has no end yet
			t.found()
			return true, false
		}
		if !whole {
			break
		}
		text = text[end+1:]
	}
	if len(text) > lineBytesMax {
		text = nil
	}
	t.rest = bytes.Clone(text)
	return false, n == len(chunk)
}
