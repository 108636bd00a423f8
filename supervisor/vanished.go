package supervisor

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/lockfile"
)

// vanished remembers which locks this supd has seen on each service. Whoever ends or breaks a lock moves its file to ended/,
// so a file that is in neither place was lost or removed behind everybody's back: what it covered stays held, and status
// names the file. Only a running supd can know this; a person's start, or the end of another lock, settles it.
type vanished struct {
	mu    sync.Mutex
	known map[string]map[string]string // service -> lock id -> its file
}

func newVanished() *vanished { return &vanished{known: map[string]map[string]string{}} }

var errVanished = errors.New("the lock file is gone, and nobody ended the lock; put the file back, or start the service yourself")

// add notes the locks of a fresh cover and adds to it, as unreadable, those that have vanished.
func (v *vanished) add(state, service string, c *lockfile.Cover) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := v.known[service]
	if len(known) == 0 && len(c.Locks) == 0 {
		return
	}
	if known == nil {
		known = map[string]string{}
		v.known[service] = known
	}
	here := map[string]bool{}
	for _, l := range c.Locks {
		here[l.ID] = true
		known[l.ID] = filepath.Join(state, "locks", string(l.Target.Kind), l.Target.Name, l.ID+".toml")
	}
	for id, path := range known {
		if here[id] {
			continue
		}
		switch {
		// In this order: the end of a lock is one rename from the first place to the second.
		case !absent(path):
			delete(known, id) // it covers this service no more, or it is among the unreadable
		case !absent(filepath.Join(state, "ended", id+".toml")):
			clear(known) // released in the ordinary way, with a try-out: that settles older doubts too
			for _, l := range c.Locks {
				known[l.ID] = filepath.Join(state, "locks", string(l.Target.Kind), l.Target.Name, l.ID+".toml")
			}
			c.Unreadable = withoutVanished(c.Unreadable)
			return
		default:
			c.Unreadable = append(c.Unreadable, lockfile.Unreadable{Path: path, Err: errVanished})
		}
	}
}

// suspects are the services of which a lock that was seen, and is not among those just listed, has no file in its place any more;
// sorted. It may have ended.
func (v *vanished) suspects(listed []lockfile.Lock) []string {
	here := make(map[string]bool, len(listed))
	for i := range listed {
		here[listed[i].ID] = true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var names []string
	for name, known := range v.known {
		for id, path := range known {
			if !here[id] && absent(path) {
				names = append(names, name)
				break
			}
		}
	}
	slices.Sort(names)
	return names
}

// settle forgets the locks of a service: a person has started it.
func (v *vanished) settle(service string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.known, service)
}

func withoutVanished(us []lockfile.Unreadable) []lockfile.Unreadable {
	var out []lockfile.Unreadable
	for _, u := range us {
		if !errors.Is(u.Err, errVanished) {
			out = append(out, u)
		}
	}
	return out
}

// absent is certain: any other error may hide a file.
func absent(path string) bool {
	return errors.Is(unix.Faccessat(unix.AT_FDCWD, path, unix.F_OK, unix.AT_SYMLINK_NOFOLLOW), unix.ENOENT)
}
