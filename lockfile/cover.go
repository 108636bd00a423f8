package lockfile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Reading what covers a service. One rule stands above all of it: what cannot be read holds,
// and so does everything in a lock or hold directory that is no tombstoned lock, whatever it
// looks like.

// Cover reads everything that holds one service.
func (d *Dir) Cover(service string) Cover {
	return d.Snapshot([]string{service})[service]
}

// Snapshot is Cover for many services, reading what they share once.
func (d *Dir) Snapshot(services []string) map[string]Cover {
	out := make(map[string]Cover, len(services))
	plan, err := d.Plan()
	sh := d.readShared(plan, err)
	for _, s := range services {
		out[s] = d.coverOf(s, &sh)
	}
	return out
}

// Barred is Snapshot with what else keeps every action from a service: an epoch or a record of an action that cannot be read.
// Called with no gate in hand.
func (d *Dir) Barred(services []string) map[string]Cover {
	covers := d.Snapshot(services)
	for name, c := range covers {
		if _, err := d.epoch(name); err != nil {
			c.Unreadable = append(c.Unreadable, Unreadable{d.epochPath(name), err})
		}
		covers[name] = d.withRecord(name, c)
	}
	return covers
}

// InCover says whether a file of the state directory at path is one that Snapshot reads, too.
func InCover(path, file string) bool {
	in, err := filepath.Rel(path, file)
	dir, _, _ := strings.Cut(in, "/")
	return err != nil || dir != "epoch" && dir != "inflight"
}

// withRecord adds the service's record if that cannot be read. While somebody has the gate, it may be half written.
func (d *Dir) withRecord(service string, c Cover) Cover {
	_, err := d.readRecord(service)
	if err == nil {
		return c
	}
	g, taken := d.take(context.Background(), service, unix.LOCK_SH, gateWait{})
	switch taken {
	case errGateTaken:
		return c
	case nil:
		_, err = d.readRecord(service)
		g.release()
	}
	if err != nil {
		c.Unreadable = append(c.Unreadable, Unreadable{d.recordPath(service), err})
	}
	return c
}

// shared is what the covers of all services have in common: host locks, group locks and what
// went wrong reading them.
type shared struct {
	host   Cover
	groups map[string]Cover // by group
	plan   Plan
}

// readShared reads host and group locks once. Without the marker nothing below it is looked at: an
// empty mount point has no locks, and that must not read as "free".
func (d *Dir) readShared(plan Plan, planErr error) shared {
	var sh shared
	if err := d.marked(); err != nil {
		sh.host.Unreadable = append(sh.host.Unreadable, Unreadable{d.path + "/format", err})
		return sh
	}
	if planErr != nil {
		sh.host.Unreadable = append(sh.host.Unreadable, Unreadable{d.path + "/plan.toml", planErr})
	}
	sh.plan = plan
	d.readLocks(HostTarget(), &sh.host)
	names, err := d.disk.list(d.path + "/locks/group")
	if err != nil { // also if it is not there: the layout has it
		sh.host.Unreadable = append(sh.host.Unreadable, Unreadable{d.path + "/locks/group", err})
	}
	for _, g := range names {
		var c Cover
		d.readLocks(GroupTarget(g), &c)
		if len(c.Locks)+len(c.Unreadable) > 0 {
			if sh.groups == nil {
				sh.groups = map[string]Cover{}
			}
			sh.groups[g] = c
		}
	}
	return sh
}

// coverOf adds what is the service's own to what all share. The same lock may be seen at its home
// and as a copy; it counts once.
func (d *Dir) coverOf(service string, sh *shared) Cover {
	c := Cover{
		Locks:      slices.Clone(sh.host.Locks),
		Unreadable: slices.Clone(sh.host.Unreadable),
	}
	if err := ValidName(service); err != nil {
		c.Unreadable = append(c.Unreadable, Unreadable{service, err})
		return c
	}
	for _, g := range slices.Sorted(maps.Keys(sh.groups)) {
		sh.addGroup(&c, service, g)
	}
	d.readLocks(ServiceTarget(service), &c)
	for _, base := range bases(service) {
		d.readBase(base, &c)
	}
	slices.SortStableFunc(c.Locks, func(a, b Lock) int { return compareID(a.ID, b.ID) })
	c.Locks = slices.CompactFunc(c.Locks, func(a, b Lock) bool { return a.ID == b.ID })
	slices.SortStableFunc(c.Locks, func(a, b Lock) int { return a.TakenAt.Compare(b.TakenAt) }) // for people: who came first
	c.Holds, c.Unreadable = d.readHolds(service, c.Unreadable)
	return c
}

// addGroup adds the locks of a group that cover the service: by the group as it is now, or as
// it was recorded.
func (sh *shared) addGroup(c *Cover, service, group string) {
	members, known := sh.plan.Groups[group]
	now := slices.Contains(members, service)
	own, _ := sh.plan.identity(service)
	for _, l := range sh.groups[group].Locks {
		if now || l.Format > FormatVersion && !known || recorded(l, service, own) {
			c.Locks = append(c.Locks, l)
		}
	}
	// A damaged lock cannot say whom it recorded; those have a copy in their own directory. It
	// holds who is in the group now, and everybody if nobody knows who that is.
	if now || !known {
		c.Unreadable = append(c.Unreadable, sh.groups[group].Unreadable...)
	}
}

// recorded says whether the lock names the service, or its identity, among its members.
func recorded(l Lock, service string, own Identity) bool {
	if _, ok := l.Members[service]; ok {
		return true
	}
	for _, m := range l.Members {
		if m.Shares(own) {
			return true
		}
	}
	return false
}

// readLocks appends the locks in a target's directory. A target that never had one has no
// directory, which is fine as long as the directory above is there.
func (d *Dir) readLocks(t Target, c *Cover) {
	dir := d.lockDir(t)
	list := func() ([]string, bool) {
		names, ok := d.listOrNone(dir, d.path+"/locks/"+string(t.Kind), &c.Unreadable)
		slices.Sort(names)
		return names, ok
	}
	names, ok := list()
	locks, bad := len(c.Locks), len(c.Unreadable)
	for tries := 0; ok && d.readNames(t, dir, names, c); tries++ {
		was := names
		if names, ok = list(); !ok || slices.Equal(names, was) {
			return
		}
		if tries == changingMax {
			c.Unreadable = append(c.Unreadable, Unreadable{dir, errors.New("it changes faster than it can be read")})
			return
		}
		c.Locks, c.Unreadable = c.Locks[:locks], c.Unreadable[:bad]
	}
}

// changingMax bounds how often a directory is read again because a lock in it went away.
const changingMax = 1000

// readNames appends the locks of these files. gone: one has ended since they were listed, and what was put in its place by
// Break or Accept may have come after the listing.
func (d *Dir) readNames(t Target, dir string, names []string, c *Cover) (gone bool) {
	c.Locks = slices.Grow(c.Locks, len(names))
	for _, n := range names {
		path := dir + "/" + n
		id := baseID(n)
		if id == "" {
			c.Unreadable = append(c.Unreadable, Unreadable{path, fmt.Errorf("not the name of a lock file")})
			continue
		}
		l, err := d.readLock(path, id, t)
		switch {
		case err == errGone:
			gone = true
		case err != nil:
			c.Unreadable = append(c.Unreadable, Unreadable{path, err})
		default:
			c.Locks = append(c.Locks, l)
		}
	}
	return gone
}

// errGone: the file is no lock (any more): its id has ended, or it went away while it was being read.
var errGone = fmt.Errorf("gone")

// readLock reads one lock file found in the directory of t.
func (d *Dir) readLock(path, id string, t Target) (Lock, error) {
	if ended, err := d.disk.exists(d.endedPath(id)); err == nil && ended {
		return Lock{}, errGone
	}
	l, err := d.parsed(path, id)
	if isAbsent(err) {
		return Lock{}, errGone
	}
	if err != nil {
		return Lock{}, err
	}
	if l.Target.Valid() != nil {
		l.Target = t // a newer format that hides it: what its directory says
	}
	if t.Kind != TargetService && l.Target != t {
		return Lock{}, fmt.Errorf("%w: target %s in the file, %s by its place", errMisplaced, l.Target, t)
	}
	return l, nil
}

// listOrNone lists dir; none if it is absent while its parent is there. Anything else is
// reported and not ok.
func (d *Dir) listOrNone(dir, parent string, bad *[]Unreadable) ([]string, bool) {
	names, err := d.disk.list(dir)
	if err == nil {
		return names, true
	}
	if isAbsent(err) {
		if there, perr := d.disk.exists(parent); perr == nil && there {
			return nil, true
		}
		dir = parent
	}
	*bad = append(*bad, Unreadable{dir, err})
	return nil, false
}

// ListHolds reads the holds of a service.
func (d *Dir) ListHolds(service string) ([]Hold, []Unreadable) {
	if err := ValidName(service); err != nil {
		return nil, []Unreadable{{service, err}}
	}
	return d.readHolds(service, nil)
}

// readHolds returns the holds, oldest first, and bad with what could not be read appended. A hold
// that goes away between listing and reading is gone: its removal is under the gate.
func (d *Dir) readHolds(service string, bad []Unreadable) ([]Hold, []Unreadable) {
	dir := d.holdDir(service)
	names, _ := d.listOrNone(dir, d.path+"/holds", &bad)
	var holds []Hold
	for _, n := range names {
		path := dir + "/" + n
		h, err := d.readHold(path, baseID(n))
		switch {
		case isAbsent(err):
		case err != nil:
			bad = append(bad, Unreadable{path, err})
		default:
			holds = append(holds, h)
		}
	}
	slices.SortStableFunc(holds, func(a, b Hold) int { return a.Since.Compare(b.Since) })
	return holds, bad
}

// readHold fails on everything that is no hold; the caller counts that as held.
func (d *Dir) readHold(path, id string) (Hold, error) {
	if id == "" {
		return Hold{}, fmt.Errorf("not the name of a hold file")
	}
	content, err := d.disk.read(path)
	if err != nil {
		return Hold{}, err
	}
	h, err := parseHold(content, id)
	if err == nil && h.Format > FormatVersion {
		return d.sayNewer(h, path), nil
	}
	return h, err
}

// holdNewer is the kind of a hold that does not say its own in a way that is known here.
const holdNewer HoldKind = "unreadable"

// sayNewer gives a hold of a newer format what people need to find it.
func (d *Dir) sayNewer(h Hold, path string) Hold {
	if h.Kind == "" {
		h.Kind = holdNewer
	}
	if st, err := d.disk.stat(path); err == nil && h.Since.IsZero() {
		h.Since = time.Unix(st.Ctim.Unix())
	}
	about := fmt.Sprintf("%s is of format %d, which this version does not know; it holds: supctl maintenance doctor", path, h.Format)
	if h.Reason = strings.TrimSpace(h.Reason + " " + about); h.By == "" {
		h.By = "a newer supd"
	}
	return h
}

// LocksOn lists the readable locks on this very target; not those that cover it otherwise: Cover does.
func (d *Dir) LocksOn(t Target) []Lock {
	var c Cover
	d.readLocks(t, &c)
	return slices.DeleteFunc(c.Locks, func(l Lock) bool { return l.Target != t })
}
