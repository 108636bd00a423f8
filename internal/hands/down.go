package hands

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/several"
	"github.com/supd/supd/lockfile"
)

const (
	// phaseStopping stands in the record while a service is being brought down.
	phaseStopping = "stopping"
	// killWait is how long SIGKILL may take to empty the tree; longer means a process
	// stuck in the kernel.
	killWait = 10 * time.Second
)

// down brings one instance down. It runs in a helper, and in supd itself only if its
// helper was killed.
type down struct {
	order  order
	table  *proc.Table
	exe    string
	record recorder
	say    func(word)
	kept   *os.File // output of scripts, to be kept small; nil: it goes elsewhere
}

// run returns when nothing of the instance is alive, or an error that names what is.
func (d *down) run() (StopResult, error) {
	var res StopResult
	deadline := time.Now().Add(d.order.Timeout)
	main, err := d.openMain()
	if err != nil {
		return res, err
	}
	if main != nil {
		defer main.Forget()
		if err := d.ask(main, &res, deadline); err != nil {
			return res, err
		}
		if !waitDone(main, deadline) {
			res.Killed = true
		}
	}
	left, err := d.members()
	if err != nil {
		return res, err
	}
	if len(left) > 0 && !res.Killed {
		// The main process is gone and left these behind: they are asked once, in what
		// remains of the time.
		res.Leftovers = pidsOf(left)
		if err := d.markTerm(proc.Identity{}); err != nil {
			return res, err
		}
		for _, id := range left {
			d.signalMember(id, unix.Signal(d.order.Signal))
		}
		res.Killed = !d.waitEmpty(deadline)
	}
	if res.Killed {
		if err := d.kill(main); err != nil {
			return res, err
		}
	}
	res.Gone = true
	return res, d.settle()
}

// openMain finds the main process; nil if it is no more.
func (d *down) openMain() (*proc.Process, error) {
	if d.order.Target.IsZero() {
		return nil, nil
	}
	main, err := d.table.Open(d.order.Target)
	if errors.Is(err, proc.ErrGone) || errors.Is(err, proc.ErrNotSame) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("cannot stop %q: %w", d.order.Service, err)
	}
	if !main.Alive() {
		main.Forget()
		return nil, nil
	}
	return main, nil
}

// ask tells the main process to go, by signal or by its stop program.
func (d *down) ask(main *proc.Process, res *StopResult, deadline time.Time) error {
	// Before the signal: from here on the target's life belongs to this action, whoever
	// dies.
	if err := d.markTerm(main.Identity()); err != nil {
		return err
	}
	if d.order.Script != nil {
		s := *d.order.Script
		if left := time.Until(deadline); s.Timeout == 0 || s.Timeout > left {
			s.Timeout = max(left, time.Millisecond)
		}
		r, err := d.runScript(s)
		if err != nil {
			return several.Join(err, d.unmarkTerm())
		}
		res.Script = &r
		return nil
	}
	sig := unix.Signal(d.order.Signal)
	if err := main.Signal(sig); err != nil && !errors.Is(err, proc.ErrGone) {
		return several.Join(fmt.Errorf("cannot stop %q: %w", d.order.Service, err), d.unmarkTerm())
	}
	if sig != unix.SIGKILL {
		main.Signal(unix.SIGCONT) // a stopped process would not get to see the request
	}
	return nil
}

func (d *down) markTerm(target proc.Identity) error {
	var tree lockfile.Cgroup // zero, if it is gone
	var err error
	if d.order.Cgroup != "" {
		if tree, err = lockfile.CgroupAt(d.order.Cgroup); err != nil {
			return fmt.Errorf("cannot stop %q: %w", d.order.Service, err)
		}
	}
	err = d.record(func(r *lockfile.Record) {
		r.Phase, r.TermSent, r.Cgroup = phaseStopping, true, tree
		if !target.IsZero() {
			r.Target = recorded(target)
		}
	})
	if err != nil {
		return fmt.Errorf("cannot stop %q: cannot write down what is about to be done: %w", d.order.Service, err)
	}
	return nil
}

// unmarkTerm takes back what markTerm said when nothing was sent: locks would wait for a process that
// nobody has asked to go.
func (d *down) unmarkTerm() error {
	return d.record(func(r *lockfile.Record) { r.TermSent = false })
}

// settle writes down that it is over: no note, so that the next supd does not take this
// for a crash.
func (d *down) settle() error {
	err := proc.Notes{Dir: d.order.Notes}.Remove(d.order.Service)
	if d.order.Cgroup != "" {
		d.cgroup().Remove() // an empty one in the way harms nobody
	}
	phase := lockfile.PhaseDone
	if d.order.Then {
		phase = lockfile.PhaseStopped
	}
	return several.Join(err, d.record(func(r *lockfile.Record) {
		r.Phase, r.TermSent, r.Target, r.Cgroup = phase, false, lockfile.Proc{}, lockfile.Cgroup{}
	}))
}

// waitDone waits for the end of p; false at the deadline.
func waitDone(p *proc.Process, deadline time.Time) bool {
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case <-p.Done():
		return true
	default:
	}
	select {
	case <-p.Done():
		return true
	case <-t.C:
		return false
	}
}

func pidsOf(ids []proc.Identity) []int {
	pids := make([]int, len(ids))
	for i, id := range ids {
		pids[i] = id.PID
	}
	return pids
}
