package api

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/lockfile"
)

// LockView turns lock files into the wire's locks, as one person sees them. The
// daemon and supctl without it use the same, so that both tell the same.
type LockView struct {
	Now      time.Time
	Me       lockfile.Owner
	BootID   string                         // of this boot; "" = cannot be told
	Live     func() map[string]bool         // audit sessions that have a process (who.LiveSessions), asked only when needed; its nil = cannot be told
	StateDir string                         // for File
	Known    func(string) bool              // is there a service of that name; nil = cannot be told
	Members  func(lockfile.Target) []string // services that a target covers now, may be nil
	Copies   func(lockfile.Lock) []string   // services that a lock on a group covers besides, may be nil
	NotReady func(lockfile.Lock) []string   // what a lock lacks now; nil = as its file says
	Strays   func(service string) []Stray   // what was started under the locks of a service; nil = nobody looks
	OnlyHere func() []lockfile.Finding      // what holds in the daemon's memory alone; nil = nobody knows
}

// Lock is one lock.
func (v LockView) Lock(l lockfile.Lock) Lock { return v.lock(&l) }

func (v *LockView) lock(l *lockfile.Lock) Lock {
	gone := v.whoIsGone(l)
	w := Lock{
		ID: l.ID, Target: l.Target.String(), Owner: ownerName(l.Owner), UID: uint32(l.Owner.UID), TTY: l.Owner.TTY,
		Reason: l.Reason, Ticket: l.Ticket, Since: l.TakenAt, Overdue: l.Overdue(v.Now), Abandoned: gone != "", AbandonedWhy: gone,
		Ready: len(l.NotReady) == 0, Session: l.Owner.Session, Remote: l.Owner.Remote, PID: l.Owner.PID, Host: l.Host,
		Members: v.members(l), NotReady: append([]string{}, l.NotReady...), Attached: l.Attached, Stopped: l.MeantDown, Replaces: l.Replaces, Mine: l.Owner.Same(v.Me),
		File: v.StateDir + "/locks/" + string(l.Target.Kind) + "/" + l.Target.Name + "/" + l.ID + ".toml",
	}
	if v.NotReady != nil {
		w.NotReady = append([]string{}, v.NotReady(*l)...)
		w.Ready = len(w.NotReady) == 0
	}
	w.StartedUnderLock = []Stray{}
	for _, name := range w.Members {
		if l.MeantDown && v.Strays != nil {
			w.StartedUnderLock = append(w.StartedUnderLock, straysForViewer(v.Strays(name))...) // whoever asks
		}
	}
	w.Offers, w.ForMe = l.Offers, l.Offer.To(v.Me) && !w.Mine
	if o := l.Offer; o != nil {
		w.Offer = &Offer{To: o.Name, UID: o.UID, By: o.By, At: o.At, Note: o.Note}
	}
	if l.Owner.LoginUID != lockfile.NoLogin {
		uid := uint32(l.Owner.LoginUID)
		w.LoginUID = &uid
	}
	if !l.Until.IsZero() {
		until := l.Until
		w.Until = &until
	}
	if l.Target.Kind == lockfile.TargetService && v.Known != nil {
		w.Orphaned = !v.Known(l.Target.Name)
	}
	return w
}

// Locks are many; never nil, so that JSON shows a list.
func (v LockView) Locks(ls []lockfile.Lock) []Lock {
	out := make([]Lock, 0, len(ls))
	for i := range ls {
		out = append(out, v.lock(&ls[i]))
	}
	return out
}

func (v *LockView) members(l *lockfile.Lock) []string {
	names := make([]string, 0, len(l.Members))
	for name := range l.Members {
		names = append(names, name)
	}
	if v.Members != nil {
		names = append(names, v.Members(l.Target)...)
	}
	if v.Copies != nil && l.Target.Kind == lockfile.TargetGroup { // few, and the only ones whose members change
		names = append(names, v.Copies(*l)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ownerName is a name that people know, without the terminal: that has a field
// of its own.
func ownerName(o lockfile.Owner) string {
	o.TTY = ""
	return o.String()
}

func holdOfLock(l lockfile.Lock, now time.Time, gone bool) Hold {
	h := Hold{Kind: "lock", By: ownerName(l.Owner), Reason: l.Reason, Since: l.TakenAt, LockID: l.ID, Overdue: l.Overdue(now), Abandoned: gone, NotReady: l.NotReady}
	if l.Offer != nil {
		h.OfferedTo = l.Offer.Name
	}
	return h
}

// HoldOfFile is a hold that is a file as one of a service's holds.
func HoldOfFile(h lockfile.Hold) Hold {
	return Hold{Kind: string(h.Kind), By: h.By, Reason: h.Reason, Since: h.Since}
}

// HoldsOf is a cover as the wire's list, never nil. now also stands for what has no
// time of its own: unreadable files. gone says which locks are abandoned, see LockView.
func HoldsOf(c lockfile.Cover, now time.Time, gone func(lockfile.Lock) bool) []Hold {
	out := make([]Hold, 0, len(c.Locks)+len(c.Holds)+len(c.Unreadable))
	for _, l := range c.Locks {
		out = append(out, holdOfLock(l, now, gone(l)))
	}
	for _, h := range c.Holds {
		out = append(out, HoldOfFile(h))
	}
	for _, u := range c.Unreadable {
		out = append(out, Hold{Kind: "unreadable", Reason: u.Path + ": " + u.Err.Error(), Since: now})
	}
	return out
}

// BadLocks are files that should be locks or holds, never nil.
func BadLocks(us []lockfile.Unreadable) []BadLock {
	out := make([]BadLock, 0, len(us))
	for _, u := range us {
		out = append(out, BadLock{File: u.Path, Target: targetOfFile(u.Path), Reason: u.Err.Error()})
	}
	return out
}

// targetOfFile reads the target from the place of a lock or hold file, "" if it
// is not one below it.
func targetOfFile(path string) string {
	parts := strings.Split(filepath.ToSlash(path), "/")
	for i, p := range parts {
		rest := parts[i+1:]
		switch {
		case p == "holds" && len(rest) >= 1:
			return rest[0]
		case p == "locks" && len(rest) >= 2:
			return lockfile.Target{Kind: lockfile.TargetKind(rest[0]), Name: rest[1]}.String()
		}
	}
	return ""
}

// InFlightOf is what a lock waits for.
func InFlightOf(f lockfile.InFlight) InFlight {
	w := InFlight{Service: f.Service, Text: f.String()}
	if r := f.Record; r != nil {
		w.Verb, w.Since, w.Stopped = string(r.Verb), r.Since, r.Phase == lockfile.PhaseStopped
		for _, p := range [...]lockfile.Proc{r.Script, r.Shim, r.Maker} {
			if w.PID == 0 {
				w.PID = p.PID
			}
		}
	}
	return w
}
