package proc

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// OpenPidfd opens a pidfd of the process with this identity, and of no other. For
// processes without a Table (helpers). ErrGone or ErrNotSame when it is no more. A
// zombie opens.
func OpenPidfd(id Identity) (int, error) {
	boot, err := BootID()
	if err != nil {
		return -1, err
	}
	return openPidfd(id, boot)
}

// Lives is Identity.Lives for whoever has a table, which knows the boot already.
func (t *Table) Lives(id Identity) (bool, error) { return lives(id, t.bootID) }

func openPidfd(id Identity, boot string) (int, error) {
	if id.PID <= 0 || id.BootID != boot {
		return -1, ErrNotSame
	}
	fd, err := unix.PidfdOpen(id.PID, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return -1, ErrGone
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT):
		return -1, ErrNotSame // the number is a thread's now
	case err != nil:
		return -1, fmt.Errorf("cannot open a pidfd of %s: %w", id, err)
	}
	// Looked at after the pidfd was opened: whoever has the right start time now has
	// had the pid since before that.
	start, err := StartTime(id.PID)
	if err == nil && (start != id.StartTime || id.PidfsInode != 0 && pidfsInode(fd) != id.PidfsInode) {
		err = ErrNotSame
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Identify names the process that has pid now. ErrGone if there is none.
func Identify(pid int) (Identity, error) {
	boot, err := BootID()
	if err != nil {
		return Identity{}, err
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return Identity{}, ErrGone
	} else if err != nil {
		return Identity{}, fmt.Errorf("cannot open a pidfd of pid %d: %w", pid, err)
	}
	defer unix.Close(fd)
	return identify(fd, pid, boot)
}

// identify fills the identity of a process whose pidfd is open: if its start time can
// be read afterwards and it still lives, both are its own.
func identify(fd, pid int, boot string) (Identity, error) {
	start, err := StartTime(pid)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{BootID: boot, PID: pid, StartTime: start, PidfsInode: pidfsInode(fd)}
	if err := unix.PidfdSendSignal(fd, 0, nil, 0); errors.Is(err, unix.ESRCH) {
		return Identity{}, ErrGone
	}
	return id, nil
}

// Lives says whether the process with this identity is alive; a zombie is not. An error
// means that nobody can tell.
func (i Identity) Lives() (bool, error) {
	boot, err := BootID()
	if err != nil {
		return false, err
	}
	return lives(i, boot)
}

func lives(i Identity, boot string) (bool, error) {
	fd, err := openPidfd(i, boot)
	if errors.Is(err, ErrGone) || errors.Is(err, ErrNotSame) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return pidfdAlive(fd), nil
}

// SignalIdentity signals the process with this identity, through a pidfd opened for it.
// ErrGone, ErrNotSame.
func SignalIdentity(id Identity, sig unix.Signal) error {
	fd, err := OpenPidfd(id)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !pidfdAlive(fd) {
		return ErrGone
	}
	return pidfdSignal(fd, id, sig)
}

func pidfdSignal(fd int, id Identity, sig unix.Signal) error {
	err := unix.PidfdSendSignal(fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	} else if err != nil {
		return fmt.Errorf("cannot send %s to %s: %w", SignalName(int(sig)), id, err)
	}
	return nil
}

// pidfdAlive: a pidfd becomes readable when the last thread has died. Signal 0 would
// call a zombie alive.
func pidfdAlive(fd int) bool {
	var fds = [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := pollRetry(fds[:], 0)
	return err == nil && n == 0
}

func pollRetry(fds []unix.PollFd, timeoutMS int) (int, error) {
	for {
		n, err := unix.Poll(fds, timeoutMS)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// pidfsInode is unique for the boot where pidfds live on pidfs (kernel 6.9); on older
// ones all share one inode, which says nothing.
func pidfsInode(fd int) uint64 {
	const pidfsMagic = 0x50494446 // "PIDF"
	var sfs unix.Statfs_t
	var st unix.Stat_t
	if unix.Fstatfs(fd, &sfs) != nil || int64(sfs.Type) != pidfsMagic || unix.Fstat(fd, &st) != nil {
		return 0
	}
	return st.Ino
}
