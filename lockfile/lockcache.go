package lockfile

import "sync"

// lockCache keeps lock files parsed, so that a held service costs its gate a stat and not a
// parse. That a lock is there is never taken from here: only what it says.
type lockCache struct {
	mu sync.Mutex
	m  map[string]cachedLock
}

type cachedLock struct {
	key  fileKey
	lock Lock
}

// lockCacheMax bounds the cache; when it is full it begins anew.
const lockCacheMax = 32768

// fileKey changes when a file is replaced or written.
type fileKey struct {
	ino       uint64
	sec, nsec int64
	size      int64
}

// keyOf costs one stat; the time of change is the kernel's, not the writer's.
func (d *Dir) keyOf(path string) (fileKey, error) {
	st, err := d.disk.stat(path)
	return fileKey{st.Ino, st.Ctim.Sec, st.Ctim.Nsec, st.Size}, err
}

// parsed is the content of a lock file. Its maps are shared: nobody changes them.
func (d *Dir) parsed(path, id string) (Lock, error) {
	key, err := d.keyOf(path)
	if err != nil {
		return Lock{}, err
	}
	c := &d.texts
	c.mu.Lock()
	have, ok := c.m[path]
	c.mu.Unlock()
	if ok && have.key == key {
		return have.lock, nil
	}
	content, err := d.disk.read(path)
	if err != nil {
		return Lock{}, err
	}
	l, err := parseLock(content, id)
	if err != nil {
		return Lock{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= lockCacheMax {
		c.m = map[string]cachedLock{}
	}
	c.m[path] = cachedLock{key, l}
	return l, nil
}
