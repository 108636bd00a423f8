package hands

import (
	"fmt"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// forbidTracing has the kernel refuse ptrace(2) to this process, as a container's rules may (seccomp(2)).
func forbidTracing() error {
	const ptrace, refuse = unix.SYS_PTRACE, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the system call's number is first in struct seccomp_data
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: ptrace, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: refuse},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	p := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Of all threads: Go may fork on any.
	if _, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p))); e != 0 {
		return e
	}
	return nil
}

// modeUntraceable starts a service with limits where nothing may be traced.
func modeUntraceable(r *rig) error {
	if err := forbidTracing(); err != nil {
		return err
	}
	nice := 5
	s := r.spec("exec sleep 1000")
	s.Nice, s.Rlimits = &nice, []proc.Rlimit{{Key: "limits.nofile", Resource: unix.RLIMIT_NOFILE, Soft: 100, Hard: 200}}
	_, traced := r.Table.Start(proc.Attr{Path: "/bin/true", Argv: []string{"true"}, Dir: "/", Prepare: func(int) error { return nil }})
	return r.do(lockfile.VerbStart, func(permit *lockfile.Permit) error {
		p, err := r.Start(permit, s)
		if err == nil {
			fmt.Println(p.PID(), traced)
		}
		return err
	})
}

// Where tracing is forbidden a service is started the slow way, with all that was asked for.
func TestStartWhereTracingIsForbidden(t *testing.T) {
	r := newRig(t, true)
	cmd, out := r.another(t, "untraceable")
	line, err := out.ReadString('\n')
	must(t, err)
	var pid int
	var traced string
	if _, err := fmt.Sscanf(line, "%d %s", &pid, &traced); err != nil || traced != "cannot" {
		t.Fatalf("it says %q: tracing is not forbidden, or nothing was started", line)
	}
	must(t, cmd.Wait())
	eventually(t, "the program", func() bool { // the shell may still be on its way to it
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		return string(comm) == "sleep\n"
	})
	if l := limitsOf(t, pid, unix.RLIMIT_NOFILE); l.Cur != 100 || l.Max != 200 {
		t.Errorf("nofile is %d:%d", l.Cur, l.Max)
	}
	if got, err := unix.Getpriority(unix.PRIO_PROCESS, pid); err != nil || 20-got != 5 { // it counts from 40 downwards, getpriority(2)
		t.Errorf("nice is %d, %v", 20-got, err)
	}
}
