package lockfile

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// gateNames keeps the listing of gates/, where nothing is ever removed: on a host of thousands it is longer than all else that a
// lock reads. It is made anew when the directory has changed.
type gateNames struct {
	mu    sync.Mutex
	ino   uint64
	mtime unix.Timespec
	names []string // sorted
}

// gatesStill is how long the directory must have been unchanged for a listing to be kept: times of files move in ticks of a few
// milliseconds (Linux before 6.13), so what comes within one tick of the listing would not be seen.
const gatesStill = time.Second

// list is the sorted names in gates/. They are shared: nobody changes them.
func (g *gateNames) list(d *Dir) ([]string, error) {
	path := d.path + "/gates"
	before, err := d.disk.stat(path)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	have, ok := g.names, g.names != nil && g.ino == before.Ino && g.mtime == before.Mtim
	g.mu.Unlock()
	if ok {
		return have, nil
	}
	names, err := d.disk.list(path)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	after, err := d.disk.stat(path)
	if err != nil {
		return nil, err
	}
	age := time.Since(time.Unix(after.Mtim.Unix()))
	if names != nil && after.Ino == before.Ino && after.Mtim == before.Mtim && age > gatesStill {
		g.mu.Lock()
		g.ino, g.mtime, g.names = after.Ino, after.Mtim, names
		g.mu.Unlock()
	}
	return names, nil
}
