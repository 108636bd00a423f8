package supervisor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// tryOut is the look at services before their last lock goes: they are seen to be well, or to be down as somebody says.
// run looks (and starts, with --start) outside the gates; stillTrue asks inside whether what was seen still holds.
type tryOut struct {
	s     *Supervisor
	owner lockfile.Owner
	how   api.MaintenanceEnd
	locks []lockfile.Lock
	seen  map[string]*proc.Process // nil: seen down, and that is as it should be
}

func (s *Supervisor) newTryOut(owner lockfile.Owner, how api.MaintenanceEnd, locks []lockfile.Lock) *tryOut {
	return &tryOut{s: s, owner: owner, how: how, locks: locks, seen: map[string]*proc.Process{}}
}

// run tries out every service that no other lock covers; what others need comes before these, also where it lies under
// another of the locks: with --start it has to be up first.
func (t *tryOut) run(ctx context.Context, progress api.Progress) error {
	over := map[string][]lockfile.Lock{}
	var names []string
	for _, l := range t.locks {
		for _, name := range t.covered(l) {
			if over[name] == nil {
				names = append(names, name)
			}
			over[name] = append(over[name], l)
		}
	}
	configured := slices.ContainsFunc(names, func(name string) bool { return !t.vanished(name) })
	for _, name := range t.s.inOrder(names) {
		if t.othersHold(name) {
			continue
		}
		if configured && t.vanished(name) && t.stopped(name) { // what took its place is tried out
			t.seen[name] = nil
			continue
		}
		for _, l := range over[name] {
			if err := t.one(ctx, name, l, progress); err != nil {
				return t.withUnreadable(name, err)
			}
		}
	}
	return nil
}

// vanished says whether a service is known, and no longer in the config.
func (t *tryOut) vanished(name string) bool {
	svc := t.s.services.get(name)
	return svc != nil && svc.vanishedFromConfig()
}

// stopped says whether a service is down and stays so without the lock.
func (t *tryOut) stopped(name string) bool {
	holds, _ := t.s.dir.ListHolds(name)
	return t.s.services.get(name).running() == nil && slices.ContainsFunc(holds, func(h lockfile.Hold) bool { return h.Kind == lockfile.HoldOperatorStop })
}

// covered are the services that the lock holds now, under whatever name: also one that took over from the lock's target.
func (t *tryOut) covered(l lockfile.Lock) []string {
	var names []string
	for name, c := range t.s.dir.Snapshot(t.s.services.names()) {
		copied := func(u lockfile.Unreadable) bool { return filepath.Base(u.Path) == l.ID+".toml" } // and damaged there
		if slices.ContainsFunc(c.Locks, func(o lockfile.Lock) bool { return o.ID == l.ID }) || slices.ContainsFunc(c.Unreadable, copied) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// withUnreadable adds to a refusal the files that might have been somebody's lock.
func (t *tryOut) withUnreadable(name string, err error) error {
	var refused *api.Error
	if !errors.As(err, &refused) {
		return err
	}
	e := *refused
	for _, u := range t.s.dir.Cover(name).Unreadable {
		e.Message += "; " + u.String()
	}
	return &e
}

func (t *tryOut) othersHold(name string) bool {
	return slices.ContainsFunc(t.s.dir.Cover(name).Locks, func(l lockfile.Lock) bool { return !slices.Contains(t.how.IDs, l.ID) })
}

// one tries out one service.
func (t *tryOut) one(ctx context.Context, name string, l lockfile.Lock, progress api.Progress) error {
	svc := t.s.services.get(name)
	if svc == nil {
		return nil
	}
	p := svc.running()
	strays := t.s.sureStrays(name)
	switch {
	case len(strays) > 0: // a second copy beside it, or down on paper only
		return refuse(name, "it was started under the lock by another hand: %s", strays[0]).
			WithNext("end that process first; --force releases it as it is")
	case t.how.LeaveStopped && p != nil:
		return refuse(name, "it is running (pid %d), and --leave-stopped is for a service that is down", p.PID()).
			WithNext(fmt.Sprintf("supctl stop %s, or supctl maintenance end %s", name, l.Target))
	case t.how.LeaveStopped, p == nil && t.meantDown(name, l):
		t.seen[name] = nil
		return nil
	case p == nil && !t.how.Start:
		return refuse(name, "it is down").WithNext(fmt.Sprintf(
			"supctl maintenance end %s --start (start it, verify, release), or --leave-stopped (release, it stays down)", l.Target)).
			WithChoices(api.ChooseStart, api.ChooseLeaveStopped)
	case p == nil:
		tell(progress, "starting "+name)
		// No override: the start may wait for prerequisites, and whoever locks the service meanwhile was promised that it stays.
		owner := t.owner
		if l.Owner.SameLogin(owner) {
			owner.Session = l.Owner.Session // the person came back in another session: the lock, and what it allows, is theirs
		}
		res := t.s.actOn(ctx, owner, core.Request{Service: name, Verb: core.Start, By: t.owner.String(), Reason: "maintenance end --start"}, progress)
		if res.Code != api.CodeDone {
			if res.Code == api.CodeHeld {
				return refuse(name, "%s", res.Text).WithNext("the lock stands; supctl explain " + name)
			}
			return refuse(name, "it did not come up: %s", res.Text).WithNext("the lock stands; supctl logs " + name)
		}
		if p = svc.running(); p == nil && !t.isOneshot(name) {
			return refuse(name, "it came up and ended again").WithNext("the lock stands; supctl logs " + name)
		}
	}
	if err := t.healthy(ctx, name, progress); err != nil {
		return err
	}
	t.seen[name] = p
	return nil
}

func (t *tryOut) isOneshot(name string) bool {
	conf := t.s.services.conf(name)
	return conf != nil && conf.Oneshot
}

// meantDown says whether a member of a group or host lock is down for a reason older than the lock: it was stopped before,
// or nobody ever wanted it up. Releasing the lock changes nothing for it. A service that was locked by its own name is
// always decided by the person.
func (t *tryOut) meantDown(name string, l lockfile.Lock) bool {
	if l.Target.Kind == lockfile.TargetService {
		return false
	}
	holds, _ := t.s.dir.ListHolds(name)
	for _, h := range holds {
		if h.Since.Before(l.TakenAt) {
			return true
		}
	}
	down := false
	t.s.ask(t.s.ctx, func(st *core.State) {
		v := st.Services[name]
		down = v != nil && (v.Phase == core.Done || v.Want == core.WantDown && len(holds) == 0)
	})
	return down
}

// readyWait bounds the wait for a service that is just coming up and has no ready_timeout.
const readyWait = time.Minute

// healthy waits until the service is ready and runs all its checks afresh.
func (t *tryOut) healthy(ctx context.Context, name string, progress api.Progress) error {
	if t.isOneshot(name) {
		return nil
	}
	wait := readyWait
	if conf := t.s.services.conf(name); conf != nil && conf.ReadyTimeout > 0 {
		wait = conf.ReadyTimeout
	}
	r, err := t.s.Wait(ctx, api.Peer{}, api.Wait{Targets: []string{name}, For: "up", TimeoutS: wait.Seconds()}, nil)
	if err != nil {
		return err
	}
	if r.Code != api.CodeDone {
		return refuse(name, "it runs, but is not ready").WithNext("supctl explain " + name)
	}
	tell(progress, "running the checks of "+name)
	if failing := t.s.checks.tryAll(ctx, name); len(failing) > 0 {
		return refuse(name, "%s", strings.Join(failing, "; ")).WithNext("mend it, or release it nevertheless with --force").
			WithChoices(api.ChooseForce)
	}
	return nil
}

// stillTrue is called inside the gates, for each service that loses its last lock.
func (t *tryOut) stillTrue(name string) error {
	svc := t.s.services.get(name)
	if svc == nil && t.how.LeaveStopped {
		return lockfile.ErrDown // should it be configured again, it stays down
	}
	if svc == nil {
		return nil
	}
	p := svc.running()
	was, tried := t.seen[name]
	switch {
	case t.how.LeaveStopped && p == nil: // which makes it an operator stop, also where --force spared the look before
		return lockfile.ErrDown
	case !tried:
		return fmt.Errorf("it was not tried out: another lock on it went away meanwhile; end again")
	case was == nil && p != nil && !t.isOneshot(name):
		return fmt.Errorf("it was down and is running now (pid %d); end again", p.PID())
	case was != nil && (p != was || !was.Alive()):
		return fmt.Errorf("the process that was tried out (pid %d) is gone; end again", was.PID())
	}
	return nil
}

// refuse is exit code 5: the lock stays.
func refuse(name, format string, args ...any) *api.Error {
	return api.Errorf(api.CodeVerify, "cannot release %q: %s", name, fmt.Sprintf(format, args...))
}
