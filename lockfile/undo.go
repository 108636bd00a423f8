package lockfile

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// undo takes back the locks that this run wrote, each under its gates like every removal. One
// that somebody's end may have leaned on (an epoch changed) or whose gates are taken stays, and
// the error says so.
func (t *taking) undo(cause error) error {
	var stand []Lock
	for i, f := range t.mine {
		if !t.fresh[i] {
			continue
		}
		if err := t.undoOne(i); err != nil {
			stand = append(stand, f.lock)
			cause = fmt.Errorf("%w; it could not be taken back: %w", cause, err)
		}
	}
	if len(stand) > 0 {
		return &StandsError{stand, cause}
	}
	return cause
}

// undoOne removes one lock under its gates. Removing is safe only while nobody has relied on it; every
// end writes an epoch first, and whoever takes the lock up stamps its file, so both unchanged prove that nobody has.
func (t *taking) undoOne(i int) error {
	d, f := t.d, t.mine[i]
	if there, err := d.disk.exists(f.path(d)); err == nil && !there {
		return nil
	}
	names, err := d.gatesOf(f.home, f.lock.Members, f.copies, nil)
	if err != nil {
		return err
	}
	gates, at, err := d.takeAll(context.Background(), names, unix.LOCK_EX, gateWait{until: time.Now().Add(GateWait)})
	if err != nil {
		return fmt.Errorf("gate of %q: %w", at, err)
	}
	defer releaseAll(gates)
	if d.stampOf(f.path(d)) != t.as[i] {
		return fmt.Errorf("you took it up meanwhile with another command")
	}
	for _, s := range names {
		if e, err := d.epoch(s); err != nil || e.Token != t.epochs[s] {
			return fmt.Errorf("%q was released by somebody meanwhile, relying on it", s)
		}
	}
	if err := d.newEpoch(names, ""); err != nil {
		return err
	}
	return d.bury(f, nil)
}

// stamp tells whether a lock file is still as it was: rewritten it is another inode, taken up it has another time.
type stamp struct {
	ino   uint64
	mtime unix.Timespec
}

// stampOf is the zero stamp if the file cannot be looked at.
func (d *Dir) stampOf(path string) stamp {
	st, err := d.disk.stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{st.Ino, st.Mtim}
}

// takeUp stamps the files of locks that another run wrote, of the same person or with the same id, so that it does not take them
// back when a later one of its targets fails. A gate of theirs is held, shared, and they have been seen to be there: an undo comes
// before that, or after. Nothing is decided by the time itself, and nothing needs to be durable: that other run ends with the boot.
func (t *taking) takeUp() {
	now := unix.NsecToTimespec(time.Now().UnixNano())
	for i, f := range t.mine {
		if !t.fresh[i] {
			t.d.disk.setTime(f.path(t.d), now)
		}
	}
}
