package hands

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// NewLimits are limits that a running instance is to have from now on.
type NewLimits struct {
	Service string
	Main    proc.Identity
	Rlimits []proc.Rlimit      // of every process of it
	Whole   []proc.CgroupLimit // of all together; "" takes one back
}

// LimitsSet is what became of them.
type LimitsSet struct {
	Now     proc.Limits // what the instance has, for all that is known
	Refused []error     // in the order of the keys; a *RestartError where a restart would help
}

// RestartError: a limit can be given at a start only, as things are.
type RestartError struct{ Key, Why string }

func (e *RestartError) Error() string { return "cannot set " + e.Key + " while it runs: " + e.Why }

// SetLimits gives limits to an instance that runs. The permit has to cover reload. One
// that is refused keeps no other from being set. What is in force belongs into the note: that is
// for the caller to write, who knows whether the instance still runs. An error: nothing
// was changed.
func (h *Hands) SetLimits(p *lockfile.Permit, l NewLimits) (LimitsSet, error) {
	if err := p.Check(l.Service, lockfile.VerbReload); err != nil {
		return LimitsSet{}, err
	}
	n, err := h.Notes.Read(l.Service)
	if err == nil && !n.Process.Same(l.Main) {
		err = proc.ErrNotSame
	}
	if err != nil {
		return LimitsSet{}, fmt.Errorf("cannot set the limits of %q: %w", l.Service, err)
	}
	set := LimitsSet{Now: n.Limits}
	for _, limit := range l.Whole {
		if err := h.limitWhole(&n, limit); err != nil {
			set.Refused = append(set.Refused, err)
			continue
		}
		set.Now = set.Now.With(limit.Key, limit.Value)
	}
	for _, limit := range l.Rlimits {
		if err := h.limitEach(&n, limit); err != nil {
			set.Refused = append(set.Refused, err)
			continue
		}
		set.Now = set.Now.With(limit.Key, limit.Text())
	}
	return set, nil
}

// limitWhole writes one limit of the cgroup.
func (h *Hands) limitWhole(n *proc.Note, l proc.CgroupLimit) error {
	if n.Cgroup == "" || h.Cgroups == nil {
		return &proc.ControllerError{Key: l.Key, Controller: l.Controller, Why: "services have no cgroups of their own here"}
	}
	g := h.Cgroups.Generation(n.Service, n.Gen)
	if l.Controller == "memory" && l.Value != "" {
		if _, err := os.Stat(filepath.Join(g.Path, l.File)); err != nil && h.Cgroups.Offers(l.Controller) {
			return &RestartError{Key: l.Key, Why: "its memory is not counted: it was started without a limit of it"}
		}
	}
	if l.File == "memory.max" && l.Value != "" {
		most, err := strconv.ParseUint(l.Value, 10, 64)
		if used, ok := g.Unreclaimable(); err == nil && ok && used >= most {
			return &RestartError{Key: l.Key, Why: fmt.Sprintf("it uses %d MiB, the kernel would kill it", used>>20)}
		}
	}
	return h.Cgroups.Limit(n.Service, n.Gen, []proc.CgroupLimit{l})
}

// forkPassesMax bounds the passes over the members: each pass gives the limit to what
// was forked during the one before, by a process that did not have it yet.
const forkPassesMax = 20

// limitEach gives one limit to every member of the instance. What a member forks after
// it has the limit inherits it.
func (h *Hands) limitEach(n *proc.Note, l proc.Rlimit) error {
	has := map[proc.Identity]bool{}
	for range forkPassesMax {
		ids, err := members(n.Cgroup, h.mark(n.Service, n.Gen), n.Process)
		if err != nil {
			return fmt.Errorf("cannot set %s: %w", l.Key, err)
		}
		fresh := false
		for _, id := range ids {
			if has[id] {
				continue
			}
			fresh, has[id] = true, true
			if err := setOfMember(id, l); err != nil {
				return err
			}
		}
		if !fresh {
			return nil
		}
	}
	return fmt.Errorf("cannot set %s: the service forks faster than it can be told", l.Key)
}

// setOfMember gives the limit to one process; one that has ended needs none. There is no
// prlimit(2) for pidfds: the process is looked at before and after, and a number that
// became somebody else's in between gets back what it had.
func setOfMember(id proc.Identity, l proc.Rlimit) error {
	if start, err := proc.StartTime(id.PID); err != nil || start != id.StartTime {
		return nil
	}
	var had unix.Rlimit
	switch err := unix.Prlimit(id.PID, l.Resource, nil, &had); {
	case errors.Is(err, unix.ESRCH):
		return nil
	case errors.Is(err, unix.EPERM): // prlimit(2): other users' processes take CAP_SYS_RESOURCE, a start does not
		return &RestartError{Key: l.Key, Why: fmt.Sprintf("supd lacks the right to do so of process %d, which is another user's (CAP_SYS_RESOURCE)", id.PID)}
	}
	if had.Cur == l.Soft && had.Max == l.Hard {
		return nil
	}
	if err := l.SetOf(id.PID); errors.Is(err, unix.ESRCH) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w (process %d)", err, id.PID)
	}
	if start, err := proc.StartTime(id.PID); err == nil && start != id.StartTime {
		return unix.Prlimit(id.PID, l.Resource, &had, nil)
	}
	return nil
}
