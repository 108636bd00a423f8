package who

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/supd/supd/lockfile"
)

// Of tells who process pid belongs to. The caller must know that pid is still
// the process it means (it is its own, or a child that was not waited for).
func Of(pid int) (lockfile.Owner, error) {
	p, err := readProcess("/proc/" + strconv.Itoa(pid))
	if err != nil {
		return lockfile.Owner{}, fmt.Errorf("cannot tell who process %d belongs to: %w", pid, err)
	}
	o := p.owner(pid)
	o.Name = Name(o.Person())
	return o, nil
}

// Self tells who runs this process: the owner of what supctl does without the
// daemon.
func Self() (lockfile.Owner, error) { return Of(os.Getpid()) }

// owner has no Name yet: looking one up may ask a slow directory service.
func (p process) owner(pid int) lockfile.Owner {
	return lockfile.Owner{
		UID:       int64(p.euid),
		LoginUID:  p.loginUID,
		Session:   p.session,
		TTY:       ttyName(p.ttyNr),
		PID:       pid,
		StartTime: p.start,
	}
}

// Name is the name of a uid, or "uid N" for one without. It may block for as
// long as the system's user database does.
func Name(uid int64) string {
	u, err := user.LookupId(strconv.FormatInt(uid, 10))
	if err != nil {
		return Unnamed(uid)
	}
	return u.Username
}

// Unnamed stands for the name of a uid that no user has.
func Unnamed(uid int64) string { return "uid " + strconv.FormatInt(uid, 10) }
