package tell

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/harmless"
	"github.com/supd/supd/internal/several"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// lineBytesMax bounds what is written to somebody's screen.
const lineBytesMax = 1000

var (
	errMesg     = errors.New("its user wants no messages (mesg n)")
	errNotHis   = errors.New("it belongs to somebody else now")
	errNotATTY  = errors.New("it is no terminal")
	errNoSeat   = errors.New("no process of the login session has a terminal")
	errCutShort = errors.New("it takes no more output now")
)

// Owner writes text, as one line with the time before it, to every terminal of the owner's login session, and returns those
// that have it ("pts/3"). It reads a few files for each process there is and never waits for a terminal. A terminal is
// written to only if the device is its owner's and a process of that session has it, and not after `mesg n`; the error says
// of the others why not. text may hold anything: what a terminal would act on is written out.
func Owner(o lockfile.Owner, text string) (told []string, err error) {
	seats, err := who.Seats(o)
	if err != nil {
		return nil, fmt.Errorf("cannot look for the terminals of %s: %w", o, err)
	}
	if len(seats) == 0 {
		return nil, fmt.Errorf("cannot tell %s: %w", o, errNoSeat)
	}
	var failed []error
	for _, s := range seats {
		if err := write(s, o, line(text, time.Now())); err != nil {
			failed = append(failed, fmt.Errorf("cannot write to %s of %s: %w", s.TTY, o, err))
			continue
		}
		told = append(told, s.TTY)
	}
	return told, several.Join(failed...)
}

// line begins with a carriage return, for it may meet a half-typed command, and rings, for somebody should look.
func line(text string, at time.Time) []byte {
	text = harmless.Line(text)
	if len(text) > lineBytesMax {
		text = harmless.Line(text[:lineBytesMax]) + " …" // a character cut in half is written out
	}
	return fmt.Appendf(nil, "\r\n\asupd, %s: %s\r\n", at.Format("15:04:05"), text)
}

// write opens the terminal first and looks then who has it: an open one keeps its number, so it cannot become another's
// between the look and the write.
func write(s who.Seat, o lockfile.Owner, text []byte) error {
	const flags = os.O_WRONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	f, err := os.OpenFile(filepath.Join("/dev", s.TTY), flags, 0)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	dev, ok := st.Sys().(*syscall.Stat_t)
	switch {
	case !ok || st.Mode()&os.ModeCharDevice == 0 || number(dev.Rdev) != s.Nr:
		return errNotATTY
	// Who logs in owns the terminal (login(1), sshd); under `sudo` with use_pty it may be who the command runs as.
	case int64(dev.Uid) != o.Person() && int64(dev.Uid) != o.UID, !s.SameTerminal(f), !s.Taken(o):
		return errNotHis
	case st.Mode().Perm()&0o022 == 0: // mesg(1)
		return errMesg
	}
	return put(f, text)
}

// number is a device as tty_nr has it (proc_pid_stat(5)).
func number(rdev uint64) uint32 {
	major, minor := unix.Major(rdev), unix.Minor(rdev)
	return minor&0xff | major<<8 | minor>>8<<20
}

// put writes once. A background process that writes to its own terminal would be stopped by SIGTTOU under `stty tostop`, and
// supd may well run on this very terminal: the kernel spares who blocks the signal (termios(3)).
func put(f *os.File, text []byte) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, set unix.Sigset_t
	set.Val[0] = 1 << (uint(unix.SIGTTOU) - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, &before); err != nil {
		return err
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }() // what it was before is valid
	var n int
	var werr error
	// Control, not Write: that would wait for a terminal that was halted with ctrl-S.
	if err := conn.Control(func(fd uintptr) { n, werr = unix.Write(int(fd), text) }); err != nil {
		return err
	}
	switch {
	case errors.Is(werr, unix.EAGAIN) || werr == nil && n < len(text):
		return errCutShort
	case werr != nil:
		return werr
	}
	return nil
}
