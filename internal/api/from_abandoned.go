package api

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// Gone says whether a lock is abandoned: the login that took it is gone, or the process that was to end it. It goes on holding.
func (v LockView) Gone(l lockfile.Lock) bool { return v.whoIsGone(&l) != "" }

// GoneOf is Gone for the locks of covers, answered now: who asks it later reads no file for it.
func (v LockView) GoneOf(covers map[string]lockfile.Cover) func(lockfile.Lock) bool {
	gone := map[string]bool{} // by id: one lock may cover a thousand services
	for _, c := range covers {
		for _, l := range c.Locks {
			if _, asked := gone[l.ID]; !asked {
				gone[l.ID] = v.Gone(l)
			}
		}
	}
	return func(l lockfile.Lock) bool { return gone[l.ID] }
}

// OwnerOf names a lock's owner for who is to turn to them: no terminal that is gone.
func OwnerOf(l lockfile.Lock, gone bool) string {
	if gone {
		return ownerName(l.Owner) + " (the lock is abandoned)"
	}
	return l.Owner.String()
}

// whoIsGone says which of both, "" for neither. Where the kernel keeps no audit sessions the terminal stands for the login; a lock
// without either (a script's) cannot be told to be abandoned.
func (v *LockView) whoIsGone(l *lockfile.Lock) string {
	taken := cmp.Or(l.OwnerBoot, l.BootID)
	if v.BootID != "" && taken != "" && v.BootID != taken {
		return "the host was started again since " + ownerName(l.Owner) + " took it"
	}
	session := v.sessionGone(&l.Owner)
	if !l.Attached || v.BootID == "" || (lockfile.Proc{PID: l.Owner.PID, Start: l.Owner.StartTime}).Alive() {
		return session
	}
	if session != "" {
		return "the supctl maintenance exec that took it is gone, and so is the session of " + ownerName(l.Owner)
	}
	if l.Owner.Session == "" || v.Live == nil {
		return "the supctl maintenance exec of " + ownerName(l.Owner) + " that took it is gone"
	}
	return "the supctl maintenance exec that took it is gone; the session of " + ownerName(l.Owner) + " is still there"
}

// Present says in words that whoever took a lock is there, "" if they are gone or nobody can tell.
func (v LockView) Present(l lockfile.Lock) string {
	o := l.Owner
	switch {
	case v.Gone(l):
	case l.Attached:
		return fmt.Sprintf("the supctl maintenance exec of %s that took it runs: pid %d", o, o.PID)
	case o.Session != "" && v.Live != nil && v.Live()[o.Session]:
		return "the session of " + o.String() + " that took it is there"
	case o.Session == "" && o.TTY != "":
		return "the terminal " + o.TTY + " of " + ownerName(o) + " is there"
	}
	return ""
}

// Life is what shows that the work under a lock goes on, see who.SignsOfLife.
func (v LockView) Life(l lockfile.Lock, dirs []string, others []int, until time.Time) Life {
	life := Life{Signs: []string{}}
	if there := v.Present(l); there != "" {
		life.Signs = append(life.Signs, there)
	}
	work, complete := who.SignsOfLife(l.ID, dirs, others, until)
	life.Signs, life.Complete = append(life.Signs, work...), complete
	return life
}

// sessionGone says that a login is gone, "" if it is there or nobody can tell.
func (v *LockView) sessionGone(o *lockfile.Owner) string {
	if o.Session != "" {
		if v.Live == nil || o.Session == v.Me.Session { // who asks is alive
			return ""
		}
		if live := v.Live(); live != nil && !live[o.Session] {
			return "the session of " + ownerName(*o) + " that took it is gone"
		}
		return ""
	}
	if o.TTY == "" {
		return ""
	}
	if _, err := os.Lstat(filepath.Join("/dev", o.TTY)); os.IsNotExist(err) {
		return "the terminal " + o.TTY + " of " + ownerName(*o) + " is gone"
	}
	return ""
}
