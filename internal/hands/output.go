package hands

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
)

// JournalSocket is where journald takes streams: a connection with a short header, then
// lines.
const JournalSocket = "/run/systemd/journal/stdout"

// logMode of a log file that supd makes: it may hold what the service thinks is nobody
// else's business.
const logMode = 0o640

// Output says where stdout and stderr go. supd is never in between, so that its death
// breaks no pipe.
type Output struct {
	Mode  string `json:"mode,omitempty"`  // "journal" "file" "inherit" "none"; "" = none (of a script: kept for ScriptResult.Tail)
	File  string `json:"file,omitempty"`  // mode file: appended to, made 0640 and the service's user's own
	Ident string `json:"ident,omitempty"` // mode journal: what journalctl -t takes; "" = the service's name
	Keep  bool   `json:"keep,omitempty"`  // of a script: kept for ScriptResult.Tail until it has ended, and then passed on to where Mode says
}

// stdio opens the first three descriptors of a service. All are to be closed after the
// fork.
func (h *Hands) stdio(service string, o Output, u *proc.User) (in, out, errw *os.File, err error) {
	if o.Mode == "inherit" {
		// Duplicates, so that all modes are closed alike.
		if in, err = dup(os.Stdin); err == nil {
			if out, err = dup(os.Stdout); err == nil {
				errw, err = dup(os.Stderr)
			}
		}
		if err != nil {
			closeAll(in, out, errw)
			return nil, nil, nil, fmt.Errorf("cannot hand on supd's own output: %w", err)
		}
		return in, out, errw, nil
	}
	in, err = openNull(unix.O_RDONLY)
	if err != nil {
		return nil, nil, nil, err
	}
	switch o.Mode {
	case "", "none":
		out, err = openNull(unix.O_WRONLY)
	case "file":
		out, err = openLog(o.File, u)
	case "journal":
		ident := o.Ident
		if ident == "" {
			ident = service
		}
		out, err = h.openJournal(ident)
	default:
		err = fmt.Errorf("output mode %q is unknown", o.Mode)
	}
	if err != nil && h.Mute != nil {
		// A full or vanished log directory, or a journal that is down, must not keep a service down.
		h.Mute(service, err)
		out, err = openNull(unix.O_WRONLY)
	}
	if err == nil {
		errw, err = dup(out)
	}
	if err != nil {
		closeAll(in, out)
		return nil, nil, nil, err
	}
	return in, out, errw, nil
}

// openNull opens /dev/null without trying to put it on the netpoller, as os.Open does.
func openNull(how int) (*os.File, error) {
	fd, err := unix.Open(os.DevNull, how|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", os.DevNull, err)
	}
	return os.NewFile(uintptr(fd), os.DevNull), nil
}

// openLog opens a log for appending. Never through a link at its end: as root that
// could be anybody's file.
func openLog(path string, u *proc.User) (*os.File, error) {
	const how = os.O_WRONLY | os.O_APPEND | unix.O_NOFOLLOW | unix.O_NOCTTY | unix.O_NONBLOCK
	f, err := os.OpenFile(path, how, 0)
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.OpenFile(path, how|os.O_CREATE, logMode)
		if err == nil && u != nil && unix.Geteuid() == 0 {
			// Its own, or the service could not open /dev/stdout again.
			err = f.Chown(int(u.UID), int(u.GID))
		}
	}
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, fmt.Errorf("cannot open its log: %w", err)
	}
	unix.SetNonblock(int(f.Fd()), false)
	return f, nil
}

func (h *Hands) openJournal(ident string) (*os.File, error) {
	path := h.Journal
	if path == "" {
		path = JournalSocket
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot reach the journal: %w", err)
	}
	defer conn.Close()
	conn.CloseRead()
	// identifier, unit (none), priority info, <N> prefixes honoured, nothing forwarded
	header := strings.ReplaceAll(ident, "\n", " ") + "\n\n6\n1\n0\n0\n0\n"
	if _, err := conn.Write([]byte(header)); err != nil {
		return nil, fmt.Errorf("cannot write to the journal: %w", err)
	}
	f, err := conn.File()
	if err != nil {
		return nil, fmt.Errorf("cannot hand on the journal's stream: %w", err)
	}
	unix.SetNonblock(int(f.Fd()), false) // programs do not expect EAGAIN from their stdout
	return f, nil
}

func dup(f *os.File) (*os.File, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	if err := raw.Control(func(from uintptr) { fd, dupErr = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 3) }); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, dupErr
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
