package supervisor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/logfile"
)

// A log that is written to is looked at again after this long: sooner the closer it is to its limit.
const (
	logLookMin  = 20 * time.Millisecond
	logLookMax  = 2 * time.Second
	logRateMost = 64 << 20 // bytes a second: how fast a log that was quiet may suddenly grow
	logRetry    = 30 * time.Second
)

// logEvents are what is told of a quiet log: a write, a name that it lost (IN_ATTRIB: the service has it open, so it is not deleted yet),
// another name (inotify(7)).
const logEvents = unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_MOVE_SELF | unix.IN_DELETE_SELF

// rotation keeps the log files small, off the loop. Nothing wakes it while nothing is written: the first write to a quiet log comes
// as an inotify event that ends with itself (IN_ONESHOT), a busy log is looked at when it could be full.
// Rotating is no action on a service: it goes on under a lock, or maintenance would fill the disk.
type rotation struct {
	s    *Supervisor
	wake chan struct{}

	mu   sync.Mutex
	logs map[string]*rotatedLog // by path
	wds  map[int32]string       // inotify's number of a quiet log
}

// rotatedLog is one file. due zero: quiet, and woken by its next write.
type rotatedLog struct {
	service string
	rule    logfile.Rule
	due     time.Time
	live    int64 // bytes at the last look
}

func newRotation(s *Supervisor) *rotation {
	return &rotation{s: s, wake: make(chan struct{}, 1), logs: map[string]*rotatedLog{}, wds: map[int32]string{}}
}

// watch keeps the log of a service from now on by its rule, instead of what was said before.
func (r *rotation) watch(service, path string, rule logfile.Rule) {
	r.mu.Lock()
	for other, l := range r.logs {
		if l.service == service && other != path {
			delete(r.logs, other)
		}
	}
	if path == "" || rule.Size == 0 {
		delete(r.logs, path)
	} else {
		r.logs[path] = &rotatedLog{service: service, rule: rule, due: time.Now()}
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// rotateStarted is rotate for an instance that begins. One whose readiness is a line of its log is rotated once it is up: the search goes by
// offsets, which a rotation moves.
func (s *Supervisor) rotateStarted(svc *service) {
	if conf := s.services.conf(svc.name); conf != nil && conf.Ready.Mode == configs.ReadyLog {
		s.rotation.watch(svc.name, "", logfile.Rule{})
		return
	}
	s.rotate(svc)
}

// rotate has the log of a service that runs kept small.
func (s *Supervisor) rotate(svc *service) {
	svc.mu.Lock()
	conf := svc.conf
	svc.mu.Unlock()
	if conf == nil {
		return
	}
	out, err := s.output(conf)
	if err != nil {
		return // its start has told
	}
	s.rotation.watch(svc.name, out.File, logfile.Rule{Size: int64(conf.LogRotate.Size), Keep: conf.LogRotate.Keep, Age: conf.LogRotate.Age})
}

// run rotates until ctx ends. One goroutine and one timer for all logs.
func (r *rotation) run(ctx context.Context) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		r.s.problem("log", fmt.Sprintf("cannot watch log files: %v; they are looked at every %s", err, logRetry))
	}
	inotify := os.NewFile(uintptr(fd), "inotify")
	if inotify != nil {
		defer context.AfterFunc(ctx, func() { inotify.Close() })()
		go r.read(inotify)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		next := r.look(ctx, inotify)
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(time.Until(next), 0))
		}
	}
}

// look rotates what is due and gives when the next is.
func (r *rotation) look(ctx context.Context, inotify *os.File) (next time.Time) {
	r.mu.Lock()
	due := map[string]rotatedLog{}
	now := time.Now()
	for path, l := range r.logs {
		if !l.due.IsZero() && !l.due.After(now) {
			due[path] = *l
		}
	}
	r.mu.Unlock()
	for path, l := range due {
		if ctx.Err() != nil {
			return time.Time{}
		}
		again, live := r.lookAt(path, l, inotify)
		r.mu.Lock()
		// Unless it was replaced meanwhile.
		if have := r.logs[path]; have != nil && have.due.Equal(l.due) {
			have.due, have.live = again, live
		}
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.logs {
		if !l.due.IsZero() && (next.IsZero() || l.due.Before(next)) {
			next = l.due
		}
	}
	return next
}

// lookAt rotates one log and says when to look again; zero: when it is written to.
func (r *rotation) lookAt(path string, l rotatedLog, inotify *os.File) (again time.Time, live int64) {
	now := time.Now()
	healthy := r.healthy(path, l)
	res, err := logfile.Rotate(path, l.rule, now)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		if !healthy { // it may come back
			return now.Add(logLookMax), 0
		}
		return time.Time{}, 0 // its service's next start makes it
	}
	key := "rotate:" + l.service
	if err != nil {
		r.s.problem(key, err.Error()+"; it grows until that is mended")
		return now.Add(logRetry), l.live
	}
	r.s.solved(key)
	switch {
	case res.Lost > 0:
		r.s.record("log.lost", l.service, journal.Warning, fmt.Sprintf("%s writes faster than log_rotate allows to keep: %d bytes were thrown away before %s", l.service, res.Lost, res.File), nil)
	case res.Risky:
		r.s.record("log.risky", l.service, journal.Warning, fmt.Sprintf("the file system of %s can only be rotated by copying and emptying: a line written meanwhile is lost", path), nil)
	}
	if res.File == "" && res.Live == l.live {
		switch watched := r.quiet(path, inotify); {
		case !healthy:
			return now.Add(logLookMax), res.Live
		case watched:
			return time.Time{}, res.Live
		}
		return now.Add(logRetry), res.Live
	}
	left := time.Duration(max(l.rule.Size-res.Live, 0)) * time.Second / logRateMost
	return now.Add(min(max(left, logLookMin), logLookMax)), res.Live
}

// quiet has inotify tell the next write to a log, and says whether it will.
func (r *rotation) quiet(path string, inotify *os.File) bool {
	if inotify == nil {
		return false
	}
	conn, err := inotify.SyscallConn()
	if err != nil {
		return false
	}
	before, err := os.Lstat(path)
	if err != nil {
		return false
	}
	wd := -1
	r.mu.Lock()
	defer r.mu.Unlock()
	if cerr := conn.Control(func(fd uintptr) {
		wd, err = unix.InotifyAddWatch(int(fd), path, logEvents|unix.IN_ONESHOT|unix.IN_DONT_FOLLOW)
	}); cerr != nil || err != nil {
		return false
	}
	r.wds[int32(wd)] = path
	// What was written before the watch began is not told.
	after, err := os.Lstat(path)
	return err == nil && after.Size() == before.Size()
}

// read takes inotify's events until it is closed.
func (r *rotation) read(inotify *os.File) {
	buf := make([]byte, 64<<10)
	for {
		n, err := inotify.Read(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		for at := 0; at+unix.SizeofInotifyEvent <= n; {
			wd, mask := int32(binary.NativeEndian.Uint32(buf[at:])), binary.NativeEndian.Uint32(buf[at+4:])
			if path, ok := r.wds[wd]; ok && mask&(logEvents|unix.IN_UNMOUNT) != 0 {
				delete(r.wds, wd)
				// Whatever stands there: it may be being looked at, and that look is older than this.
				if l := r.logs[path]; l != nil {
					l.due = time.Now()
				}
			}
			if mask&unix.IN_Q_OVERFLOW != 0 {
				for _, l := range r.logs {
					l.due = time.Now()
				}
			}
			at += unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buf[at+12:]))
		}
		r.mu.Unlock()
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}
