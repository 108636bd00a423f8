package supervisor

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// asker is who is told what comes next, and what they can know of whom they would turn to.
type asker struct {
	me   lockfile.Owner
	gone func(lockfile.Lock) bool // is the lock abandoned
}

// nextStep names the command that goes on from here, for whoever reads status. holds are those that status shows: one
// that is on its way to the disk counts as well.
func nextStep(asked asker, v *core.Service, cover lockfile.Cover, holds []api.Hold) string {
	name := v.Spec.Name
	switch {
	case slices.ContainsFunc(cover.Unreadable, func(u lockfile.Unreadable) bool { return errors.Is(u.Err, errUnwritten) }):
		return "make room in the state directory; supd then goes on by itself"
	case len(cover.Unreadable) > 0:
		return mend(cover.Unreadable[0].Path)
	case len(cover.Locks) > 0:
		return asked.nextUnderLock(cover.Locks)
	case slices.ContainsFunc(holds, wantedAsLock):
		return fmt.Sprintf("make room in the state directory, then supctl maintenance start %s; until then this supd leaves it alone, for as long as it lives", name)
	case slices.ContainsFunc(holds, clearedByStart) && v.Phase != core.Up:
		return fmt.Sprintf("supctl start %s (done), or supctl maintenance start %s (go on working)", name, name)
	case v.SettleUntil > now() && !v.Running && v.Want == core.WantUp && len(holds) == 0 && v.Phase != core.Done && v.Phase != core.Failed:
		return fmt.Sprintf("its lock was released a moment ago (settle): supd starts it in %s; supctl start %s does it now",
			time.Duration(v.SettleUntil-now()).Round(time.Second), name)
	case v.Phase == core.Failed:
		return fmt.Sprintf("supctl logs %s, then supctl start %s", name, name)
	case v.Phase == core.Backoff && v.RetryAt > now():
		return fmt.Sprintf("it is started again in %s; supctl start %s does it now", time.Duration(v.RetryAt-now()).Round(time.Millisecond), name)
	case v.Orphaned:
		return "supctl reload --apply stops it and forgets it"
	}
	return ""
}

// nextUnderLock is what somebody can do about locks: end their own, or turn to whose they are. Nobody is told to type what
// would be refused.
func (asked asker) nextUnderLock(locks []lockfile.Lock) string {
	for _, mine := range [...]func(lockfile.Owner) bool{asked.me.Same, asked.me.SameLogin} {
		if i := slices.IndexFunc(locks, func(l lockfile.Lock) bool { return mine(l.Owner) }); i >= 0 {
			return fmt.Sprintf("supctl maintenance end %s", locks[i].Target)
		}
	}
	var owners []string
	for _, l := range locks {
		if who := api.OwnerOf(l, asked.gone(l)); !slices.Contains(owners, who) {
			owners = append(owners, who)
		}
	}
	return fmt.Sprintf("ask %s; if they cannot be reached: supctl maintenance break %s -m REASON", strings.Join(owners, " and "), locks[0].ID)
}

// nextRefused is what somebody can do whose wish locks on the service itself refused; "" if it was something else.
func (s *Supervisor) nextRefused(me lockfile.Owner, r core.Request) string {
	cover := s.dir.Cover(r.Service)
	if len(cover.Unreadable) > 0 {
		return mend(cover.Unreadable[0].Path)
	}
	if len(cover.Locks) == 0 {
		return ""
	}
	if slices.ContainsFunc(cover.Locks, func(l lockfile.Lock) bool { return me.Same(l.Owner) }) {
		if r.Override {
			return ""
		}
		return fmt.Sprintf("you hold it as well: ask them, or supctl %s %s --override -m REASON", r.Verb, r.Service)
	}
	view := s.lockView(me)
	if i := slices.IndexFunc(cover.Locks, func(l lockfile.Lock) bool { return me.SameLogin(l.Owner) }); i >= 0 {
		l := cover.Locks[i]
		if view.Gone(l) {
			return fmt.Sprintf("lock %s is yours, of a session that is gone: supctl maintenance extend %s --for DURATION takes it up in this one", l.ID, l.Target)
		}
		return fmt.Sprintf("lock %s is of another session of yours, and counts there; supctl maintenance end %s ends it from here", l.ID, l.Target)
	}
	return asker{me, view.Gone}.nextUnderLock(cover.Locks)
}

func clearedByStart(h api.Hold) bool {
	return h.Kind == string(core.HoldOperatorStop) || h.Kind == string(core.HoldRestartLimit)
}

// wantedAsLock is what stands in for a lock that could not be written.
func wantedAsLock(h api.Hold) bool { return h.Kind == string(core.HoldLock) && h.LockID == "" }

// mend is what to do about a file that cannot be read. Without the marker the whole directory is in doubt: it is most
// likely a file system that is not mounted, and there is nothing to remove.
func mend(path string) string {
	if filepath.Base(path) == "format" {
		return fmt.Sprintf("mount the file system of %s, or bring its content back", filepath.Dir(path))
	}
	return fmt.Sprintf("mend %s; supctl maintenance doctor has the command", path)
}
