package hands

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
)

// limitsOf reads what the living process pid has.
func limitsOf(t *testing.T, pid int, resource int) unix.Rlimit {
	t.Helper()
	var l unix.Rlimit
	must(t, unix.Prlimit(pid, resource, nil, &l))
	return l
}

// Every limit is in force when the program begins, whichever way it is started.
func TestEveryRlimit(t *testing.T) {
	limits := []proc.Rlimit{
		{Resource: unix.RLIMIT_NOFILE, Soft: 100, Hard: 200}, {Resource: unix.RLIMIT_NPROC, Soft: 300, Hard: 400},
		{Resource: unix.RLIMIT_CORE, Soft: 0, Hard: 0}, {Resource: unix.RLIMIT_MEMLOCK, Soft: 4096, Hard: 8192},
		{Resource: unix.RLIMIT_AS, Soft: 1 << 32, Hard: 1 << 33}, {Resource: unix.RLIMIT_DATA, Soft: 1 << 31, Hard: 1 << 31},
		{Resource: unix.RLIMIT_FSIZE, Soft: 1 << 20, Hard: 1 << 21}, {Resource: unix.RLIMIT_CPU, Soft: 1000, Hard: 2000},
		{Resource: unix.RLIMIT_SIGPENDING, Soft: 50, Hard: 60}, {Resource: unix.RLIMIT_MSGQUEUE, Soft: 4096, Hard: 4096},
		{Resource: unix.RLIMIT_NICE, Soft: 21, Hard: 21}, {Resource: unix.RLIMIT_RTPRIO, Soft: 3, Hard: 4},
		{Resource: unix.RLIMIT_RTTIME, Soft: 1000000, Hard: 2000000},
	}
	for i, l := range limits {
		// Not everybody may raise a hard limit.
		var now unix.Rlimit
		must(t, unix.Getrlimit(l.Resource, &now))
		limits[i].Soft, limits[i].Hard = min(l.Soft, now.Max), min(l.Hard, now.Max)
	}
	stack := proc.Rlimit{Resource: unix.RLIMIT_STACK, Soft: 1 << 22, Hard: 1 << 23}
	bothWays(t, func(t *testing.T, r *rig) {
		for _, with := range [][]proc.Rlimit{limits, append(slices.Clone(limits), stack)} {
			// The shell tells what it saw in its first instructions.
			s := r.spec("ulimit -Sn > o.new; ulimit -Hn >> o.new; mv o.new o; read x; exec sleep 1000")
			s.Argv[2] = strings.Replace(s.Argv[2], "read x; ", "", 1)
			s.Rlimits = with
			p := r.start(t, s)
			if got := strings.Fields(r.await(t, "o")); !slices.Equal(got, []string{"100", "200"}) {
				t.Errorf("the program began with nofile %v", got)
			}
			for _, l := range with {
				if got := limitsOf(t, p.PID(), l.Resource); got.Cur != l.Soft || got.Max != l.Hard {
					t.Errorf("resource %d is %d:%d, want %d:%d", l.Resource, got.Cur, got.Max, l.Soft, l.Hard)
				}
			}
			must(t, os.Remove(r.file("o")))
			must(t, p.Signal(unix.SIGKILL))
			ended(t, p)
		}
	})
}

// A service that needs nothing but what can be set from outside does not pay for a
// helper: it is traced, and free again when Start returns.
func TestPreparedFromOutside(t *testing.T) {
	r := newRig(t, true)
	nice, oom := 7, 321
	s := r.spec("exec sleep 1000")
	s.Nice, s.OOM = &nice, &oom
	if s.ownHand("/bin/sh") {
		t.Error("it would be started through a helper")
	}
	p := r.start(t, s)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	must(t, err)
	if !strings.Contains(string(status), "TracerPid:\t0\n") {
		t.Errorf("it is still traced:\n%s", status)
	}
	score, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", p.PID()))
	must(t, err)
	if got := strings.TrimSpace(string(score)); got != "321" {
		t.Errorf("oom_score_adj %s", got)
	}
	// The system call counts from 40 downwards (getpriority(2)).
	if got, err := unix.Getpriority(unix.PRIO_PROCESS, p.PID()); err != nil || 20-got != 7 {
		t.Errorf("nice %d %v", 20-got, err)
	}
}

// A traced program with other rights than its starter would not get them.
func TestProgramsThatChangeRightsAreNotTraced(t *testing.T) {
	r := newRig(t, true)
	must(t, os.WriteFile(r.file("suid"), []byte("x"), 0o755))
	must(t, os.Chmod(r.file("suid"), 0o755|os.ModeSetuid))
	nice := 1
	s := r.spec("")
	s.Nice = &nice
	if !s.ownHand(r.file("suid")) || s.ownHand("/bin/sh") {
		t.Error("set-user-ID is not told from an ordinary program")
	}
}

// What the kernel refuses is said with the key, the value and its answer; nothing of the
// program has run.
func TestRefusedLimits(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		b, err := os.ReadFile("/proc/sys/fs/nr_open")
		must(t, err)
		most, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
		must(t, err)
		s := r.spec("touch ran")
		s.Rlimits = []proc.Rlimit{{Key: "limits.nofile", Resource: unix.RLIMIT_NOFILE, Soft: 100, Hard: most + 1}}
		err = r.startErr(s)
		want := fmt.Sprintf(`cannot start "db": cannot set limits.nofile = 100:%d: operation not permitted (fs.nr_open is %d)`, most+1, most)
		var spawn *SpawnError
		if !errors.As(err, &spawn) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if _, err := os.Stat(r.file("ran")); err == nil {
			t.Error("the program ran without its limits")
		}
		if r.Table.Len() != 0 {
			t.Errorf("%d processes are left", r.Table.Len())
		}
	})
}

// A limit that nobody enforces is a failed start.
func TestUnenforceableLimit(t *testing.T) {
	r := newRig(t, false)
	s := r.spec("touch ran")
	s.Limits = []proc.CgroupLimit{{Key: "limits.memory", Controller: "memory", File: "memory.max", Value: "1048576"}}
	err := r.startErr(s)
	const want = `cannot start "db": cannot enforce limits.memory: there is no memory controller for services: services have no cgroups of their own here`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := os.Stat(r.file("ran")); err == nil {
		t.Error("the program ran without its limit")
	}
}
