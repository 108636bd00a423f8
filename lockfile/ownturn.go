package lockfile

import (
	"context"
	"hash/fnv"
	"io"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ownTurnWait is how long a run of Lock waits for another one of the same owner on the same target, which needs two fsyncs for its
// turn. Beyond that the other one is stopped or its disk hangs, and the lock is worth more than that there is one only.
const ownTurnWait = 2 * time.Second

// ownTurnRetry is the pause between two attempts.
const ownTurnRetry = 2 * time.Millisecond

// ownTurnPath is a file that only those can open who may write locks. What is locked in it are single bytes, which need not exist.
func (d *Dir) ownTurnPath() string { return d.path + "/supd.lock" }

// ownTurn makes those who look for their own lock on a target, and write one if there is none, do so one after the other: otherwise
// the same command twice at once finds none twice, and makes two. Nobody else waits: it is a byte for each owner and target
// (fcntl(2), open file description locks; they and flock do not see each other). It is no part of what makes a lock
// hold, so whatever fails, and a wait that ends, lets the caller go on. over ends the turn, as the caller's death does.
func (d *Dir) ownTurn(ctx context.Context, o Owner, t Target) (over func()) {
	path := d.ownTurnPath()
	if d.disk.enter("turn", path) != nil {
		return func() {}
	}
	fd, err := openFD(path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return func() {}
	}
	byteOf := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: ownTurnByte(o, t), Len: 1}
	until := time.Now().Add(ownTurnWait)
	for {
		err = again(func() error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &byteOf) })
		if err != unix.EAGAIN && err != unix.EACCES || !time.Now().Before(until) {
			break
		}
		select {
		case <-time.After(ownTurnRetry):
		case <-ctx.Done(): // who does not want to wait for the gates either; the lock is written all the same
			until = time.Now()
		}
	}
	return func() {
		byteOf.Type = unix.F_UNLCK // closing is not enough where a child forked elsewhere has a copy of the descriptor
		_ = again(func() error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &byteOf) })
		unix.Close(fd)
	}
}

// ownTurnByte tells owners, as Same does, and targets apart. Two that share one wait for each other, no more.
func ownTurnByte(o Owner, t Target) int64 {
	h := fnv.New64a()
	for _, part := range []string{strconv.FormatInt(o.Person(), 10), strconv.FormatBool(o.LoginUID == NoLogin), o.Session, t.String()} {
		_, _ = io.WriteString(h, part+"\x00")
	}
	return int64(h.Sum64() >> 2) // well below the largest offset
}
