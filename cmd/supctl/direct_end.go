package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/doctor"
	"github.com/supd/supd/internal/notices"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// end is `maintenance end`. It verifies nothing but, for --leave-stopped, that
// the process that supd started last is gone.
func (d *direct) end(ctx context.Context, req api.MaintenanceEnd) (api.MaintenanceReply, error) {
	// From here the gates may be held exclusively.
	defer ignoreStop()()
	res, err := d.dir.End(ctx, lockfile.EndRequest{
		IDs: req.IDs, Owner: d.me, AnySession: true, Attached: req.Attached, LeaveStopped: req.LeaveStopped, Force: req.Force, Wait: api.Seconds(req.WaitS),
		Verdict: func(service string) error { return d.verdict(service, req.LeaveStopped) },
	})
	if err != nil {
		return api.MaintenanceReply{}, d.endFailed(err)
	}
	view := d.view()
	reply := api.MaintenanceReply{Locks: view.Locks(res.Ended), Remaining: []api.Lock{}, Unreadable: api.BadLocks(res.Unreadable), NotReady: []string{}, InFlight: []api.InFlight{},
		Notes: append(interruptedNotes(res.Interrupted), d.note("ended"))}
	for _, name := range slices.Sorted(maps.Keys(res.Remain)) {
		for _, l := range view.Locks(res.Remain[name]) {
			if !slices.ContainsFunc(reply.Remaining, func(o api.Lock) bool { return o.ID == l.ID }) {
				reply.Remaining = append(reply.Remaining, l)
			}
		}
	}
	for _, h := range res.Stopped {
		reply.Notes = append(reply.Notes, fmt.Sprintf("%s stays down until somebody starts it: supctl start %s", h.Service, h.Service))
	}
	return reply, nil
}

// endFailed says that the lock stands, which is so after every error.
func (d *direct) endFailed(err error) *api.Error {
	e := *api.ErrorOf("end the lock", err)
	e.Message += "; the lock stays"
	var v *lockfile.VerifyError
	if errors.As(err, &v) {
		e.Next = "--leave-stopped releases it, and it stays down; --force releases it as it is; --start needs supd"
	}
	return &e
}

// errNotTried refuses a release without a decision: a lock that the daemon would
// have tried out first must not go unseen because the daemon is dead.
var errNotTried = errors.New("without supd nothing can be tried out")

// verdict is the try-out: none without the daemon. lockfile.ErrDown if it is to
// be left stopped and is.
func (d *direct) verdict(service string, leaveStopped bool) error {
	if !leaveStopped {
		return errNotTried
	}
	if d.runDir == "" {
		return lockfile.ErrDown // nobody knows of a process
	}
	n, err := proc.Notes{Dir: filepath.Join(d.runDir, "proc")}.Read(service)
	if errors.Is(err, fs.ErrNotExist) {
		return lockfile.ErrDown
	}
	if err != nil {
		return fmt.Errorf("cannot tell whether it is down: %w", err)
	}
	return downByNote(n)
}

// downByNote looks whether the process of a note, or what it left in its cgroup,
// still lives.
func downByNote(n proc.Note) error {
	boot, err := proc.BootID()
	if err != nil {
		return fmt.Errorf("cannot tell whether it is down: %w", err)
	}
	// A pid says something only on the boot on which it was given.
	if boot != n.Process.BootID {
		return lockfile.ErrDown
	}
	start, err := proc.StartTime(n.Process.PID)
	if err != nil && !errors.Is(err, proc.ErrGone) {
		return fmt.Errorf("cannot tell whether it is down: %w", err)
	}
	// Same pid, other start time: the kernel has given the pid to somebody else.
	if err == nil && start == n.Process.StartTime {
		return fmt.Errorf("it is not down: process %d runs", n.Process.PID)
	}
	// The main process is gone; what it forked may not be.
	if n.Cgroup == "" {
		return lockfile.ErrDown
	}
	alive, err := (&proc.Cgroup{Path: n.Cgroup}).Populated()
	if err != nil {
		return fmt.Errorf("cannot tell whether it is down: %w", err)
	}
	if alive {
		return fmt.Errorf("it is not down: processes that it left run in %s", n.Cgroup)
	}
	return lockfile.ErrDown
}

// breakLock is `maintenance break`. Who may is a matter of file permissions here.
func (d *direct) breakLock(ctx context.Context, req api.MaintenanceBreak, show api.Progress) (api.MaintenanceReply, error) {
	defer ignoreStop()()
	var until time.Time // as a new lock's
	locks := d.dir.Locks().Locks
	if i := slices.IndexFunc(locks, func(l lockfile.Lock) bool { return l.ID == req.ID }); i >= 0 {
		until = d.policy([]lockfile.Target{locks[i].Target}, api.MaintenanceStart{}, doctor.Report{}).until
	}
	res, err := d.dir.Break(ctx, lockfile.BreakRequest{
		ID: req.ID, NewID: req.NewID, Owner: d.me, Reason: req.Reason, Until: until, Wait: api.Seconds(req.WaitS), Config: d.plan,
		Progress: func(f lockfile.InFlight) { show("waiting for " + f.String()) },
	})
	reply := api.MaintenanceReply{NotReady: []string{}, Remaining: []api.Lock{}, InFlight: []api.InFlight{}}
	var inFlight *lockfile.InFlightError
	if errors.As(err, &inFlight) && res.New.ID != "" {
		reply.Code, reply.InFlight, err = api.CodeInFlight, []api.InFlight{api.InFlightOf(inFlight.InFlight)}, nil
	}
	if err != nil {
		return api.MaintenanceReply{}, api.ErrorOf("break lock "+req.ID, err)
	}
	reply.Locks = d.view().Locks([]lockfile.Lock{res.New})
	reply.Notes = append(interruptedNotes(res.Interrupted),
		d.tellOwner(res.Old.Owner, notices.Gone(res.Old, lockfile.Ended{At: d.a.now(), By: d.me, How: "break", Note: req.Reason}, true)), d.note("done"))
	reply.JudgeReady()
	return reply, nil
}
