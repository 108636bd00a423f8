package lockfile

import (
	"runtime"
	"slices"
	"sync"
)

// Locks lists every lock once, oldest first.
func (d *Dir) Locks() Listing {
	if err := d.marked(); err != nil {
		return Listing{Unreadable: []Unreadable{{d.path + "/format", err}}}
	}
	var bad []Unreadable
	targets := d.targets(&bad)
	covers := d.readAll(targets)
	// By pointers: of thousands, the locks themselves are too large to be moved about.
	var order []*Lock
	for i := range covers {
		for k := range covers[i].Locks {
			order = append(order, &covers[i].Locks[k])
		}
		bad = append(bad, covers[i].Unreadable...)
	}
	slices.SortStableFunc(order, func(a, b *Lock) int {
		if a.ID == b.ID { // the file in the target's own place first: the others are copies
			return compareBool(d.atHome(*b), d.atHome(*a))
		}
		if x := a.TakenAt.Compare(b.TakenAt); x != 0 {
			return x
		}
		return compareID(a.ID, b.ID)
	})
	order = slices.CompactFunc(order, func(a, b *Lock) bool { return a.ID == b.ID })
	var locks []Lock
	if len(order) > 0 {
		locks = make([]Lock, len(order))
	}
	for i, l := range order {
		locks[i] = *l
	}
	return Listing{locks, bad}
}

// targetsEach is how many targets at least are worth a goroutine.
const targetsEach = 64

// readAll reads the directory of each of these targets. Each processor reads a part: it is mostly the kernel's work.
func (d *Dir) readAll(targets []Target) []Cover {
	covers := make([]Cover, len(targets))
	parts := max(1, min(runtime.GOMAXPROCS(0), len(targets)/targetsEach))
	var readers sync.WaitGroup
	for p := range parts {
		readers.Go(func() {
			for i := p * len(targets) / parts; i < (p+1)*len(targets)/parts; i++ {
				d.readLocks(targets[i], &covers[i])
			}
		})
	}
	readers.Wait()
	return covers
}

// targets is every target that has a directory.
func (d *Dir) targets(bad *[]Unreadable) []Target {
	ts := []Target{HostTarget()}
	for _, kind := range []TargetKind{TargetGroup, TargetService} {
		dir := d.path + "/locks/" + string(kind)
		names, err := d.disk.list(dir)
		if err != nil {
			*bad = append(*bad, Unreadable{dir, err})
		}
		for _, n := range names {
			ts = append(ts, Target{kind, n})
		}
	}
	return ts
}
