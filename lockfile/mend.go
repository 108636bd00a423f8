package lockfile

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MendRequest repairs what Examine found at Path. Who may is the caller's business.
type MendRequest struct {
	Path     string // as in the finding
	NewID    string // of the lock that takes its place, chosen by the client
	Owner    Owner
	Reason   string
	Until    time.Time
	Wait     time.Duration // zero is LockWait
	Config   func() (Plan, error)
	Progress func(InFlight)
}

// Mended is what Mend did.
type Mended struct {
	Finding     Finding
	Aside       string // where it is kept now; "": it was not there at all
	Lock        *Lock  // the mender's own, in its place; nil: it held nothing that has to be tried out
	Interrupted []Record
}

// SoundError: there is nothing at this path to mend, or no longer.
type SoundError struct{ Path string }

func (e *SoundError) Error() string {
	return fmt.Sprintf("cannot mend %q: nothing is wrong with it", e.Path)
}

// Mend takes what is damaged out of the way, and keeps it in STATE/aside with a word on why. What it held stays held: by a lock of
// the mender's own, durable before, which ends like any other, with a try-out. Everything happens under the gates of what
// it holds, as far as they can be taken at all. Killed in between, the lock stands, and the same call finishes it.
// Errors: *SoundError, and those of Lock and Break.
func (d *Dir) Mend(ctx context.Context, r MendRequest) (Mended, error) {
	var m Mended
	if err := ValidID(r.NewID); err != nil {
		return m, err
	}
	if err := d.marked(); err != nil {
		return m, err
	}
	path, err := filepath.Abs(r.Path)
	if err != nil {
		return m, err
	}
	f := d.wrong(path)
	if f == nil || f.Trouble == TroubleOrphaned && f.Lock != nil { // a sound lock: it is ended, or broken
		return m, &SoundError{path}
	}
	m.Finding = *f
	defer d.keepSpares()
	switch {
	case f.Lock != nil:
		return d.mendLock(ctx, r, m, f.Lock.ID)
	case f.Trouble == TroubleDamaged && baseID(filepath.Base(path)) != "" && strings.HasPrefix(path, d.path+"/locks/"):
		return d.mendLock(ctx, r, m, baseID(filepath.Base(path)))
	case f.Trouble == TroubleStale, f.Trouble == TroubleOrphaned, !f.Holds && f.Trouble != TroubleForeign && f.Trouble != TroubleMisplaced,
		f.Trouble == TroubleMisplaced && f.Target == (Target{}):
		return d.mendUnlocked(ctx, r, m)
	}
	return d.mendLocked(ctx, r, m)
}

// wrong is what is wrong with path now; nil if nothing.
func (d *Dir) wrong(path string) *Finding {
	all := d.Examine()
	if i := slices.IndexFunc(all, func(f Finding) bool { return f.Path == path && f.Shell == "" }); i >= 0 {
		return &all[i]
	}
	return nil
}

// mendLock mends the file of a lock that has an id: a damaged copy is made anew from the lock itself; everything else is broken, with
// what stood there kept.
func (d *Dir) mendLock(ctx context.Context, r MendRequest, m Mended, id string) (Mended, error) {
	f, err := d.find(id)
	if err != nil {
		return m, err
	}
	if f.bad == nil && f.path(d) != m.Finding.Path && m.Finding.Lock == nil {
		return d.mendCopy(ctx, r, m, f)
	}
	if m.Aside = d.asideName(f.path(d)); f.bad == nil {
		m.Aside = d.endedPath(id) // it can be read: it ends like every lock
	}
	res, err := d.Break(ctx, BreakRequest{ID: id, NewID: r.NewID, Owner: r.Owner, Reason: r.Reason, Until: r.Until, Wait: r.Wait,
		Config: r.Config, Progress: r.Progress, keep: m.Aside, wrong: fmt.Sprint(m.Finding.Err)})
	if res.New.ID != "" {
		m.Lock = &res.New
	}
	m.Interrupted = res.Interrupted
	return m, err
}

// mendCopy replaces a damaged copy of a lock that can be read.
func (d *Dir) mendCopy(ctx context.Context, r MendRequest, m Mended, f *found) (Mended, error) {
	m.Aside = d.asideName(m.Finding.Path)
	err := d.underGates(ctx, []string{f.id}, deadline(r.Wait, LockWait), &m.Interrupted, func([]*found, []string) error {
		if d.wrong(m.Finding.Path) == nil {
			return &SoundError{m.Finding.Path}
		}
		// The lock itself holds throughout: by its target's directory, or by its members.
		if err := d.setAside(m.Finding.Path, m.Aside, r.why(m.Finding, f.id)); err != nil {
			return err
		}
		if err := d.copyTo(f.path(d), f.id, m.Finding.Target.Name); err != nil {
			return err
		}
		return d.syncUp(filepath.Dir(m.Finding.Path))
	})
	m.Lock = &f.lock
	return m, err
}

func (r *MendRequest) why(f Finding, lock string) Aside {
	return Aside{By: r.Owner, From: f.Path, Wrong: fmt.Sprint(f.Err), Reason: r.Reason, Lock: lock}
}

// mendUnlocked is for what held nothing that has to be tried out: an interrupted action, a hold of what is configured no more, a
// directory that is no place for locks.
func (d *Dir) mendUnlocked(ctx context.Context, r MendRequest, m Mended) (Mended, error) {
	t := m.Finding.Target
	var names []string
	if t.Kind == TargetService {
		names = []string{t.Name}
	}
	gates, at, err := d.takeAll(ctx, names, unix.LOCK_EX, gateWait{until: deadline(r.Wait, GateWait)})
	if err == errGateTaken {
		return m, &InFlightError{InFlight{at, d.recordForDisplay(at)}, nil}
	}
	if err != nil {
		return m, err
	}
	defer releaseAll(gates)
	f := d.wrong(m.Finding.Path)
	if f == nil || f.Trouble != m.Finding.Trouble {
		return m, &SoundError{m.Finding.Path}
	}
	if f.Trouble == TroubleStale {
		if rec, err := d.readRecord(t.Name); err == nil && rec != nil {
			m.Interrupted = append(m.Interrupted, *rec)
			if d.opts.Interrupted != nil {
				d.opts.Interrupted(*rec)
			}
		}
	}
	if f.Trouble == TroubleOrphaned { // a decision that was made while it held is void
		if err := d.newEpoch(names, ""); err != nil {
			return m, err
		}
	}
	err = d.repair(r, &m, "")
	return m, err
}

// mendLocked takes the mender's lock first, then moves the damage aside under its gates.
func (d *Dir) mendLocked(ctx context.Context, r MendRequest, m Mended) (Mended, error) {
	t := m.Finding.Target
	if t.Valid() != nil {
		t = HostTarget()
	}
	lr := LockRequest{IDs: []string{r.NewID}, Targets: []Target{t}, Owner: r.Owner, Reason: r.Reason, Until: r.Until, Wait: r.Wait, Config: r.Config, Progress: r.Progress}
	inside := m.Finding.Path == d.lockDir(t) || strings.HasPrefix(d.lockDir(t), m.Finding.Path+"/")
	if inside { // the lock cannot be written where nothing can be written
		if err := d.exchange(r, &m, t); err != nil {
			return m, err
		}
	}
	res, err := d.Lock(ctx, lr)
	m.Interrupted = append(m.Interrupted, res.Interrupted...)
	if err != nil {
		// A gate or a record that cannot be read keeps the lock from being waited for, not from standing.
		l := (&taking{d: d, req: lr}).ownLock(t)
		if l == nil {
			return m, err
		}
		res.Locks = []Lock{*l}
	}
	m.Lock = &res.Locks[0]
	var inFlight *InFlightError
	if inside || errors.As(err, &inFlight) {
		return m, err
	}
	if err := d.mendUnderGates(ctx, r, &m, t); err != nil {
		return m, err
	}
	res, err = d.Lock(ctx, lr) // what could not be waited for can be now
	m.Interrupted = append(m.Interrupted, res.Interrupted...)
	return m, err
}

// mendUnderGates moves the damage aside while nothing acts. A gate that is no file cannot be taken, by nobody: nothing passes it either.
func (d *Dir) mendUnderGates(ctx context.Context, r MendRequest, m *Mended, t Target) error {
	names, err := d.gatesOf(t, m.Lock.Members, nil, nil)
	if err != nil && m.Finding.Path != d.path+"/gates" {
		return err
	}
	if m.Finding.Trouble == TroubleGate || strings.HasPrefix(m.Finding.Path, d.path+"/gates") {
		names = nil
	}
	if len(names) == 0 { // two menders of one gate: the second must not move the first's new one
		free, err := d.oneMender()
		if err != nil {
			return err
		}
		defer free()
	}
	gates, at, err := d.takeAll(ctx, names, unix.LOCK_EX, gateWait{until: deadline(r.Wait, LockWait)})
	if err == errGateTaken {
		return &InFlightError{InFlight{at, d.recordForDisplay(at)}, []Lock{*m.Lock}}
	}
	if err != nil {
		return fmt.Errorf("cannot take the gate of %q: %w", at, err)
	}
	defer releaseAll(gates)
	if d.wrong(m.Finding.Path) == nil {
		return nil // somebody else was quicker; the lock stands
	}
	return d.repair(r, m, m.Lock.ID)
}

// oneMender is held by who repairs what no gate protects.
func (d *Dir) oneMender() (free func(), err error) {
	if err := d.disk.mkdir(d.path+"/aside", 0o755); err != nil {
		return nil, err
	}
	fd, err := openFD(d.path+"/aside", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := again(func() error { return unix.Flock(fd, unix.LOCK_EX) }); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return func() { unix.Close(fd) }, nil
}

// repair moves the damage aside and puts in its place what has to be there.
func (d *Dir) repair(r MendRequest, m *Mended, lock string) error {
	path := m.Finding.Path
	there, err := d.disk.exists(path)
	if err != nil {
		return err
	}
	if there {
		m.Aside = d.asideName(path)
		if err := d.setAside(path, m.Aside, r.why(m.Finding, lock)); err != nil {
			return err
		}
	}
	for _, e := range layout {
		if d.path+"/"+e.dir != path {
			continue
		}
		if err := d.disk.mkdir(path, e.mode); err != nil {
			return err
		}
		return d.disk.syncDir(filepath.Dir(path))
	}
	if filepath.Dir(path) == d.path+"/epoch" {
		return d.newEpoch([]string{filepath.Base(path)}, "")
	}
	return nil
}

// exchange puts a directory with the mender's lock in it into the place of one that no lock can be written into, in one step:
// what it held is held before and after. The damaged one ends up in STATE/aside.
func (d *Dir) exchange(r MendRequest, m *Mended, t Target) error {
	path := m.Finding.Path
	free, err := d.oneMender()
	if err != nil {
		return err
	}
	defer free()
	if d.wrong(path) == nil {
		return nil
	}
	l := (&taking{d: d, req: LockRequest{Owner: r.Owner, Reason: r.Reason, Until: r.Until}}).newLock(r.NewID, t, resolve(t, nil, Plan{}, nil).Members)
	content, err := l.encode()
	if err != nil {
		return err
	}
	fresh := d.asideName(path)
	if err := d.sayWhy(fresh, r.why(m.Finding, l.ID)); err != nil {
		return err
	}
	if err := d.disk.mkdir(fresh, 0o755); err != nil {
		return err
	}
	dirs := []string{fresh}
	for _, e := range layout { // what else of the layout is below it
		if below, ok := strings.CutPrefix(d.path+"/"+e.dir, path+"/"); ok {
			if err := d.disk.mkdir(fresh+"/"+below, e.mode); err != nil {
				return err
			}
			dirs = append(dirs, fresh+"/"+below)
		}
	}
	file := fresh + strings.TrimPrefix(d.lockFile(t, l.ID), path)
	if err := d.disk.create(file, content, true); err != nil {
		return err
	}
	for _, dir := range slices.Backward(dirs) {
		if err := d.disk.syncDir(dir); err != nil {
			return err
		}
	}
	if err := d.disk.swap(fresh, path); err != nil {
		return fmt.Errorf("cannot put a sound directory into the place of %s: %w", path, err)
	}
	m.Aside = fresh
	if there, _ := d.disk.exists(fresh); !there {
		m.Aside = ""
	}
	if err := d.disk.syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return d.disk.syncDir(d.path + "/aside")
}

// swap exchanges two names, or gives a the name b where nothing has that.
func (k disk) swap(a, b string) error {
	if err := k.enter("rename", b); err != nil {
		return err
	}
	err := again(func() error { return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) })
	if err == unix.ENOENT {
		err = again(func() error {
			return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_NOREPLACE)
		})
	}
	return k.done("rename", b, err)
}
