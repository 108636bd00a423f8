package hands

import (
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
)

// ownHand says whether the child has to prepare itself before the exec, in a helper:
// umask cannot be set from outside, the kernel lays out the memory by the stack's limit
// at the exec, and a traced program that changes its own rights would not get them
// (ptrace(2): set-user-ID, file capabilities), and only the child knows its pid (LISTEN_PID) before.
func (s *Spec) ownHand(path string) bool {
	stack := slices.ContainsFunc(s.Rlimits, func(l proc.Rlimit) bool { return l.Resource == unix.RLIMIT_STACK })
	return len(s.Listen) > 0 || s.Umask != nil || stack || s.outside() && changesRights(path)
}

// outside says whether anything is to be set on the executed child.
func (s *Spec) outside() bool { return s.Nice != nil || s.OOM != nil || len(s.Rlimits) > 0 }

// fromOutside prepares the stopped child of a traced start; nil if there is nothing to
// do, which keeps the start of most services free of it.
func (s *Spec) fromOutside() func(pid int) error {
	if !s.outside() {
		return nil
	}
	return func(pid int) error {
		if s.OOM != nil {
			if err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte(strconv.Itoa(*s.OOM)), 0); err != nil {
				return err
			}
		}
		if s.Nice != nil {
			if err := unix.Setpriority(unix.PRIO_PROCESS, pid, *s.Nice); err != nil {
				return err
			}
		}
		for _, l := range s.Rlimits {
			if err := l.SetOf(pid); err != nil {
				return err
			}
		}
		return nil
	}
}

// changesRights says whether executing the file gives a process other rights.
func changesRights(path string) bool {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return false // the exec will tell
	}
	n, err := unix.Getxattr(path, "security.capability", nil)
	return st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 || err == nil && n > 0
}

// limit writes the limits of the whole instance before there is a process in it.
func (h *Hands) limit(s *Spec) error {
	if h.Cgroups != nil {
		return h.Cgroups.Limit(s.Service, s.Gen, s.Limits)
	}
	for _, l := range s.Limits {
		if l.Value != "" {
			return &proc.ControllerError{Key: l.Key, Controller: l.Controller, Why: "services have no cgroups of their own here"}
		}
	}
	return nil
}

// lastRlimits are in the order in which a process gives them to itself: those that could
// starve its own preparation last.
func (x *execOrder) lastRlimits() []proc.Rlimit {
	starving := func(l proc.Rlimit) bool { return l.Resource == unix.RLIMIT_AS || l.Resource == unix.RLIMIT_DATA }
	var first, last []proc.Rlimit
	for _, l := range x.Rlimits {
		if starving(l) {
			last = append(last, l)
		} else {
			first = append(first, l)
		}
	}
	return append(first, last...)
}
