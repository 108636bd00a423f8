package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// waitPause follows a change before a waiting client's condition is looked at again: when a thousand services start, one
// look serves many changes.
const waitPause = 20 * time.Millisecond

// Wait returns when all targets are up, down or ready, or with code 1 when the time is over.
func (s *Supervisor) Wait(ctx context.Context, p api.Peer, w api.Wait, progress api.Progress) (api.WaitReply, error) {
	if _, err := s.resolve(w.Targets); err != nil {
		return api.WaitReply{}, err
	}
	limit := ctx
	if w.TimeoutS > 0 {
		var cancel context.CancelFunc
		limit, cancel = context.WithTimeout(ctx, seconds(w.TimeoutS))
		defer cancel()
	}
	// Without a time-out nothing would ever end a wait for what nobody is going to do.
	endless := w.TimeoutS <= 0 && w.For != "down"
	said := ""
	for {
		changed := s.bell.wait()
		st, err := s.Status(ctx, p, w.Targets)
		if err != nil {
			return api.WaitReply{}, err
		}
		at := slices.IndexFunc(st.Services, func(v api.ServiceStatus) bool { return !waitedFor(v, w.For) })
		if at < 0 && len(st.Services) > 0 {
			return api.WaitReply{Services: st.Services}, nil
		}
		if at >= 0 && endless {
			if err := s.neverUp(ctx, p.Owner, st.Services, w.For); err != nil {
				return api.WaitReply{}, err
			}
		}
		if at >= 0 {
			if text := fmt.Sprintf("%s is %s", st.Services[at].Name, st.Services[at].State); text != said && progress != nil {
				said = text
				progress(text)
			}
		}
		select {
		case <-limit.Done():
			return api.WaitReply{Code: api.CodeFailed, Services: st.Services}, ctx.Err()
		case <-s.done:
			return api.WaitReply{}, errEnding
		case <-changed:
		}
		select {
		case <-limit.Done():
		case <-time.After(waitPause):
		}
	}
}

// waitedFor judges one service: up has a process, ready is up and every check passes, down has no process.
func waitedFor(v api.ServiceStatus, what string) bool {
	up := v.State == core.Up.String() || v.State == core.Done.String()
	switch what {
	case "ready":
		return up && v.Checks.Failing == 0 && v.Checks.Unknown == 0
	case "up":
		return up
	}
	return v.PID == 0 && v.State != core.Starting.String() && v.State != core.Stopping.String()
}

// neverUp is CodeHeld when one of the services that are waited for cannot come up unless a person acts, by what the core
// says; a lock of the asker's own is their own affair.
func (s *Supervisor) neverUp(ctx context.Context, me lockfile.Owner, services []api.ServiceStatus, what string) error {
	mine := map[string]bool{}
	for _, l := range s.dir.Locks().Locks {
		mine[l.ID] = l.Owner.Same(me) || l.Owner.SameLogin(me)
	}
	name, why := "", ""
	s.ask(ctx, func(st *core.State) {
		for _, v := range services {
			if waitedFor(v, what) {
				continue
			}
			if name, why = v.Name, core.Stuck(st, v.Name, func(id string) bool { return mine[id] }); why != "" {
				return
			}
		}
	})
	if why == "" {
		return nil
	}
	return api.Errorf(api.CodeHeld, "cannot wait for %q to be %s: %s, and nothing but a person ends that", name, what, why).
		WithNext("supctl explain " + name + "; --timeout DURATION waits all the same")
}
