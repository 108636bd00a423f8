package lockfile

import (
	"errors"
	"fmt"
	"slices"
)

// errMisplaced is a lock or hold that says something else than the place where it stands.
var errMisplaced = errors.New("it stands in the wrong place")

// locks judges every file in the lock directories.
func (x *examination) locks() {
	d := x.d
	for _, kind := range []TargetKind{TargetHost, TargetGroup, TargetService} {
		x.children(d.path+"/locks/"+string(kind), func(name, dir string) {
			t := Target{kind, name}
			if err := t.Valid(); err != nil { // nobody reads it, so it holds nothing
				x.add(Finding{Trouble: TroubleMisplaced, Path: dir, Err: err})
				return
			}
			if !x.directory(dir, t) {
				return
			}
			x.children(dir, func(name, path string) { x.lock(t, name, path) })
		})
	}
}

// lock judges one file in the directory of t.
func (x *examination) lock(t Target, name, path string) {
	d := x.d
	id := baseID(name)
	if id == "" {
		x.damaged(path, t, errors.New("not the name of a lock file"), true)
		return
	}
	l, err := d.readLock(path, id, t)
	if lost(err) {
		return
	}
	defer x.file(path)
	f := Finding{Path: path, Target: t, Err: err}
	switch {
	case errors.Is(err, errMisplaced):
		f.Trouble, f.Holds = TroubleMisplaced, true
	case err != nil:
		f.Trouble, f.Holds = TroubleDamaged, true
	case l.Format > FormatVersion:
		f.Trouble, f.Lock, f.Err = TroubleForeign, &l, fmt.Errorf("a lock of format %d: it holds as far as that can be read", l.Format)
	case l.Target != t && !d.atHome(l):
		f.Trouble, f.Lock, f.Err = TroubleMisplaced, &l, fmt.Errorf("the copy of a lock on %s that is not there", l.Target)
	case l.Target == t && x.orphaned(t):
		f.Trouble, f.Lock, f.Err = TroubleOrphaned, &l, fmt.Errorf("nothing called %s is configured any more", t)
	default:
		return
	}
	if f.Lock != nil && x.ids[id] {
		return
	}
	x.ids[id] = f.Lock != nil
	x.add(f)
}

// holds judges every file in the hold directories.
func (x *examination) holds() {
	d := x.d
	x.children(d.path+"/holds", func(service, dir string) {
		t := ServiceTarget(service)
		if err := t.Valid(); err != nil {
			x.add(Finding{Trouble: TroubleMisplaced, Path: dir, Err: err})
			return
		}
		if !x.directory(dir, t) {
			return
		}
		x.children(dir, func(name, path string) { x.hold(t, name, path) })
	})
}

// hold judges one file in the hold directory of t.
func (x *examination) hold(t Target, name, path string) {
	h, err := x.d.readHold(path, baseID(name))
	if lost(err) {
		return
	}
	defer x.file(path)
	f := Finding{Path: path, Target: t, Err: err}
	switch {
	case err != nil:
		f.Trouble, f.Holds = TroubleDamaged, true
	case h.Format > FormatVersion:
		f.Trouble, f.Hold, f.Err = TroubleForeign, &h, fmt.Errorf("a hold of format %d: it holds whatever it says", h.Format)
		f.Holds = true
	case !slices.Contains(HoldKinds(), h.Kind):
		f.Trouble, f.Hold, f.Err = TroubleForeign, &h, fmt.Errorf("a hold of the kind %.40q, which is not known here: nothing but this file says what ends it", h.Kind)
	case h.Service != t.Name:
		f.Trouble, f.Hold, f.Err = TroubleMisplaced, &h, fmt.Errorf("a hold of %.80q by what it says, of %q by its place", h.Service, t.Name)
	case x.orphaned(t):
		f.Trouble, f.Hold, f.Err = TroubleOrphaned, &h, fmt.Errorf("a hold (%s) of %q, which is configured no more; it holds again when that is put back", h.Kind, t.Name)
	default:
		return
	}
	x.add(f)
}
