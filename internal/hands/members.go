package hands

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
)

// members is what is alive of the instance.
func (d *down) members() ([]proc.Identity, error) {
	ids, err := members(d.order.Cgroup, d.order.mark(), d.order.Target)
	if err != nil {
		return nil, fmt.Errorf("cannot stop %q: %w", d.order.Service, err)
	}
	return ids, nil
}

// members is what is alive in the cgroup; with none, what descent, session and mark tell.
func members(cgroup string, mark proc.Mark, main proc.Identity) ([]proc.Identity, error) {
	if cgroup == "" {
		return proc.Members(mark, main)
	}
	pids, err := (&proc.Cgroup{Path: cgroup}).Procs()
	if err != nil {
		return nil, err
	}
	var ids []proc.Identity
	for _, pid := range pids {
		if id, err := proc.Identify(pid); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (d *down) cgroup() *proc.Cgroup { return &proc.Cgroup{Path: d.order.Cgroup} }

func (d *down) signalMember(id proc.Identity, sig unix.Signal) {
	// One that has gone meanwhile is what was wanted.
	if d.order.Cgroup != "" {
		d.cgroup().SignalMember(id.PID, sig)
	} else {
		proc.SignalIdentity(id, sig)
	}
}

// waitEmpty waits until no member lives; false at the deadline.
func (d *down) waitEmpty(deadline time.Time) bool {
	if d.order.Cgroup != "" {
		empty, err := d.cgroup().WaitEmpty(time.Until(deadline))
		return err == nil && empty
	}
	for {
		left, err := d.members()
		if err != nil {
			return false
		}
		if len(left) == 0 {
			return true
		}
		for _, id := range left {
			p, err := d.table.Open(id)
			if err != nil {
				continue
			}
			gone := waitDone(p, deadline)
			p.Forget()
			if !gone {
				return false
			}
		}
	}
}

// kill ends the whole tree with SIGKILL and waits for it.
func (d *down) kill(main *proc.Process) error {
	deadline := time.Now().Add(killWait)
	if main != nil {
		main.Signal(unix.SIGKILL)
	}
	if d.order.Cgroup != "" {
		if err := d.cgroup().Kill(); err != nil {
			return fmt.Errorf("cannot stop %q: %w", d.order.Service, err)
		}
	}
	for {
		left, err := d.members()
		if err != nil {
			return err
		}
		for _, id := range left {
			d.signalMember(id, unix.SIGKILL)
		}
		gone := d.waitEmpty(deadline)
		if gone && (main == nil || waitDone(main, deadline)) {
			return nil
		}
		if !time.Now().Before(deadline) {
			if main != nil && main.Alive() {
				left = append(left, main.Identity())
			}
			return fmt.Errorf("cannot stop %q: %s does not die of SIGKILL (stuck in the kernel?)", d.order.Service, pidList(pidsOf(left)))
		}
	}
}
