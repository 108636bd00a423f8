package hands

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

func (r *rig) setLimits(verb lockfile.Verb, l NewLimits) (set LimitsSet, err error) {
	err = r.do(verb, func(p *lockfile.Permit) (err error) { set, err = r.SetLimits(p, l); return err })
	return set, err
}

// Nobody who forks while the limit is being set gets away with the old one.
func TestLimitsReachWhatForksMeanwhile(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec("while :; do (sleep 0.01; exit) & echo x > forking; wait; done"))
		r.await(t, "forking")
		for n := uint64(200); n < 220; n++ {
			l := proc.Rlimit{Key: "limits.nofile", Resource: unix.RLIMIT_NOFILE, Soft: n, Hard: 400}
			set, err := r.setLimits(lockfile.VerbReload, NewLimits{Service: service, Main: p.Identity(), Rlimits: []proc.Rlimit{l}})
			must(t, err)
			if len(set.Refused) > 0 || set.Now[l.Key] != l.Text() {
				t.Fatalf("%+v", set)
			}
			note, err := r.Notes.Read(service)
			must(t, err)
			ids, err := members(note.Cgroup, r.mark(service, note.Gen), note.Process)
			must(t, err)
			for _, id := range ids {
				var has unix.Rlimit
				if err := unix.Prlimit(id.PID, l.Resource, nil, &has); err == nil && has.Cur != n {
					t.Errorf("process %d has %d, want %d", id.PID, has.Cur, n)
				}
			}
		}
	})
}

// Without the right permit, and for another process than the one that was meant, nothing is set.
func TestLimitsOfNobodyElse(t *testing.T) {
	r := newRig(t, true)
	p := r.start(t, r.spec("exec sleep 1000"))
	before := limitsOf(t, p.PID(), unix.RLIMIT_NOFILE)
	l := NewLimits{Service: service, Main: p.Identity(), Rlimits: []proc.Rlimit{{Key: "limits.nofile", Resource: unix.RLIMIT_NOFILE, Soft: 77, Hard: 77}}}
	if _, err := r.setLimits(lockfile.VerbSignal, l); err == nil || !strings.Contains(err.Error(), "the permit is to signal") {
		t.Errorf("with a permit to signal: %v", err)
	}
	l.Main.StartTime++
	if _, err := r.setLimits(lockfile.VerbReload, l); !errors.Is(err, proc.ErrNotSame) {
		t.Errorf("for another process: %v", err)
	}
	if now := limitsOf(t, p.PID(), unix.RLIMIT_NOFILE); now != before {
		t.Errorf("it has %v, had %v", now, before)
	}
}

// A limit that cannot be set keeps no other back, and stays out of what the instance has.
func TestOneRefusedLimit(t *testing.T) {
	r := newRig(t, false)
	p := r.start(t, r.spec("exec sleep 1000"))
	set, err := r.setLimits(lockfile.VerbReload, NewLimits{
		Service: service, Main: p.Identity(),
		Rlimits: []proc.Rlimit{{Key: "limits.core", Resource: unix.RLIMIT_CORE}},
		Whole:   []proc.CgroupLimit{{Key: "limits.memory", Controller: "memory", File: "memory.max", Value: "1048576"}},
	})
	must(t, err)
	if len(set.Refused) != 1 || !strings.Contains(set.Refused[0].Error(), "cannot enforce limits.memory") || len(set.Now) != 1 || set.Now["limits.core"] != "0:0" {
		t.Errorf("%+v", set)
	}
	if got := limitsOf(t, p.PID(), unix.RLIMIT_CORE); got.Cur != 0 {
		t.Errorf("core is %d", got.Cur)
	}
}
