package lockfile

import (
	"sync"

	"golang.org/x/sys/unix"
)

// anchor tells one directory from every other, also from a later one with the same name or inode number.
type anchor struct {
	dev, ino uint64
	born     int64 // ns
}

// anchored are directories whose own entry, and those of all their parents, this process has seen durable. Nothing here
// removes a directory, so they stay so: only what a parent had to be fsynced for once needs it again.
type anchored struct {
	mu  sync.Mutex
	set map[anchor]struct{}
}

func (a *anchored) has(k anchor) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.set[k]
	return ok && k != anchor{}
}

// add remembers directories; the zero anchor is none.
func (a *anchored) add(keys []anchor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set == nil {
		a.set = make(map[anchor]struct{}, len(keys))
	}
	for _, k := range keys {
		if k != (anchor{}) {
			a.set[k] = struct{}{}
		}
	}
}

// anchorOf is what path below at is, or at itself ("" with AT_EMPTY_PATH). Zero where the file system keeps no time of
// birth: there an inode number may come back, and parents are fsynced each time. See statx(2), Linux 4.11.
func anchorOf(at int, path string, flags int) (anchor, error) {
	var st unix.Statx_t
	err := again(func() error { return unix.Statx(at, path, flags, unix.STATX_INO|unix.STATX_BTIME, &st) })
	if err != nil || st.Mask&unix.STATX_BTIME == 0 {
		return anchor{}, err
	}
	return anchor{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino, st.Btime.Sec*1e9 + int64(st.Btime.Nsec)}, nil
}
