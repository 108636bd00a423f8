package proc

import "golang.org/x/sys/unix"

// Open finds the process with this identity again: a child (also after a re-exec of
// supd) or a stranger. ErrGone or ErrNotSame when it is no more. A zombie opens, and
// its exit is told at once. Opened twice, a child is the same *Process both times; a
// stranger is watched twice.
func (t *Table) Open(id Identity) (*Process, error) {
	// Counted as a fork: until the child stands in the table the reaper must not take
	// it for an orphan.
	t.mu.Lock()
	if p := t.children[id.PID]; p != nil && p.id.Same(id) {
		t.mu.Unlock()
		return p, nil
	}
	t.forking++
	t.mu.Unlock()
	defer t.forked()

	fd, err := openPidfd(id, t.bootID)
	if err != nil {
		return nil, err
	}
	if id.PidfsInode == 0 {
		id.PidfsInode = pidfsInode(fd)
	}
	p := &Process{table: t, id: id, fd: fd, child: isChild(fd)}
	if err := t.insert(p); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return p, nil
}
