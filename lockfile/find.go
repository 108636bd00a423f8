package lockfile

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// found is a lock with every place where its file stands.
type found struct {
	id     string
	lock   Lock // zero but for ID and Target if damaged
	bad    error
	home   Target   // the target's own directory; for a damaged lock without one, any copy's
	copies []string // services whose directories have a copy
}

// find looks a lock up by id. *GoneError if it is not there, or ended.
func (d *Dir) find(id string) (*found, error) {
	if err := ValidID(id); err != nil {
		return nil, err
	}
	if err := d.marked(); err != nil {
		return nil, err
	}
	if err := d.notEnded(id); err != nil {
		return nil, err
	}
	var bad []Unreadable
	var f *found
	for _, t := range d.standing(id, &bad) {
		l, err := d.readLock(d.lockFile(t, id), id, t)
		if f == nil {
			f = &found{id: id, lock: l, bad: err, home: t}
		}
		if t.Kind == TargetService && (err != nil || l.Target != t) {
			f.copies = append(f.copies, t.Name)
		} else {
			f.lock, f.bad, f.home = l, err, t
		}
	}
	if f == nil {
		if len(bad) > 0 {
			return nil, &UnreadableError{id, bad}
		}
		if err := d.notEnded(id); err != nil {
			return nil, err
		}
		return nil, &GoneError{ID: id}
	}
	if f.bad != nil {
		f.lock = Lock{ID: id, Target: f.home}
	}
	f.copies = slices.DeleteFunc(f.copies, func(s string) bool { return ServiceTarget(s) == f.home })
	return f, nil
}

// idFree refuses an id that a lock on another target has. Ids are random, so nobody meets one by chance; one that was copied would hide the
// other lock wherever locks are told apart by id, and its end would void both.
func (d *Dir) idFree(id string, target Target) error {
	if boundTo(id, target) {
		return nil
	}
	var bad []Unreadable
	for _, t := range d.standing(id, &bad) {
		if t == target {
			continue
		}
		if l, err := d.readLock(d.lockFile(t, id), id, t); err == nil && l.Target == target || err == errGone {
			continue // a copy of this very lock
		}
		return fmt.Errorf("cannot lock %s: the id %s belongs to a lock on another target (%s); choose a new one", target, id, t)
	}
	return nil
}

// notEnded fails with *GoneError if the id has a tombstone.
func (d *Dir) notEnded(id string) error {
	ended, err := d.disk.exists(d.endedPath(id))
	if err != nil || !ended {
		return err
	}
	g := &GoneError{ID: id, Ended: &Lock{ID: id}}
	if content, err := d.disk.read(d.endedPath(id)); err == nil {
		if l, err := parseLock(content, id); err == nil {
			g.Ended = &l
		}
	}
	return g
}

// lockFile is where a lock's file stands in the directory of a target.
func (d *Dir) lockFile(t Target, id string) string { return d.lockDir(t) + "/" + id + ".toml" }

// atHome says whether the target's own directory has the file of this lock.
func (d *Dir) atHome(l Lock) bool {
	ok, err := d.disk.exists(d.lockFile(l.Target, l.ID))
	return err == nil && ok
}

// path is the lock's own file, the one whose move to ended/ ends it.
func (f *found) path(d *Dir) string { return d.lockFile(f.home, f.id) }

// dirs is every directory that has the lock's file.
func (f *found) dirs(d *Dir) []string {
	dirs := []string{d.lockDir(f.home)}
	for _, s := range f.copies {
		dirs = append(dirs, d.lockDir(ServiceTarget(s)))
	}
	return dirs
}

// gatesOf is the services whose gates a lock stands before, sorted: members as recorded, as
// they are now by the plan in force and by config (may be nil), and wherever there is a copy.
func (d *Dir) gatesOf(t Target, recorded map[string]Identity, copies []string, config *Plan) ([]string, error) {
	set := map[string]bool{}
	for _, s := range copies {
		set[s] = true
	}
	plan, planErr := d.Plan()
	for s := range resolve(t, recorded, plan, config).Members {
		set[s] = true
	}
	// Instances that no plan has any more still run, and are covered.
	if t.Kind == TargetService && planErr == nil {
		names, err := d.gateNames.list(d)
		if err != nil {
			return nil, err
		}
		// Sorted: those that begin so stand together.
		mark := t.Name + instanceMark
		at, _ := slices.BinarySearch(names, mark)
		for ; at < len(names) && strings.HasPrefix(names[at], mark); at++ {
			set[names[at]] = ValidName(names[at]) == nil
		}
	}
	// A host lock stands before every gate that there ever was; and so does any other while
	// nobody can tell who its members are.
	if t.Kind == TargetHost || planErr != nil {
		names, err := d.gateNames.list(d)
		if err != nil {
			return nil, err
		}
		for _, s := range names {
			set[s] = ValidName(s) == nil
		}
	}
	maps.DeleteFunc(set, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(set)), nil
}

// successor is the lock that replaced id by break, if it is still to be found.
func (d *Dir) successor(id string) *Lock {
	for _, l := range d.Locks().Locks {
		if l.Replaces == id {
			return &l
		}
	}
	return nil
}

// Ended reads the locks that are over, newest first; tombstones are kept for TombstoneAge. A
// lock whose end could not be stamped (full disk) comes last, with Ended nil.
func (d *Dir) Ended() ([]Lock, []Unreadable) {
	names, err := d.disk.list(d.path + "/ended")
	if err != nil {
		return nil, []Unreadable{{d.path + "/ended", err}}
	}
	var out []Lock
	var bad []Unreadable
	for _, n := range names {
		l, err := d.parsed(d.path+"/ended/"+n, baseID(n))
		if isAbsent(err) {
			continue
		}
		if err != nil {
			bad = append(bad, Unreadable{d.path + "/ended/" + n, err})
			continue
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Lock) int {
		switch {
		case a.Ended == nil || b.Ended == nil:
			return compareBool(a.Ended == nil, b.Ended == nil)
		}
		return b.Ended.At.Compare(a.Ended.At)
	})
	return out, bad
}

// plainEnds remembers which tombstones are of locks that nobody took over: with the years they are thousands, and none ever
// becomes one that somebody did.
type plainEnds struct {
	mu    sync.Mutex
	names map[string]bool
}

// TakenOver are those of Ended that somebody took over: broken, or handed over and accepted. The others, nearly all, are read
// once and not parsed, which costs ten times as much. What cannot be read is left out.
func (d *Dir) TakenOver() []Lock {
	names, err := d.disk.list(d.path + "/ended")
	if err != nil {
		return nil
	}
	d.ends.mu.Lock()
	defer d.ends.mu.Unlock()
	plain := make(map[string]bool, len(names))
	var out []Lock
	for _, n := range names {
		if d.ends.names[n] {
			plain[n] = true
			continue
		}
		content, err := d.disk.read(d.path + "/ended/" + n)
		if err != nil {
			continue
		}
		if bytes.Contains(content, []byte(`how = "end"`)) { // within a text its quotes would be escaped
			plain[n] = true
			continue
		}
		if l, err := parseLock(content, baseID(n)); err == nil && l.Ended != nil {
			out = append(out, l)
		}
	}
	d.ends.names = plain
	return out
}
