package hands

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// report adds the median and the 99th percentile of what was measured.
func report(b *testing.B, what string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, what+"-p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, what+"-p99-ms")
}

// benchRig keeps RUN on a tmpfs, where it belongs: a rename over a file costs a
// millisecond on ext4.
func benchRig(b *testing.B, withCgroups bool) *rig {
	r := newRig(b, withCgroups)
	dir, err := os.MkdirTemp("/dev/shm", "supd-bench-")
	must(b, err)
	b.Cleanup(func() { os.RemoveAll(dir) })
	r.Notes.Dir = dir
	return r
}

func sleeper(r *rig) Spec {
	s := r.spec("")
	s.Argv = []string{"/usr/bin/sleep", "1000"}
	return s
}

// BenchmarkBare is the floor: kill, wait4, fork and exec, nothing else.
func BenchmarkBare(b *testing.B) {
	start := func() int {
		pid, err := syscall.ForkExec("/usr/bin/sleep", []string{"sleep", "1000"}, &syscall.ProcAttr{Dir: "/", Sys: &syscall.SysProcAttr{Setsid: true}})
		must(b, err)
		return pid
	}
	pid := start()
	var all []time.Duration
	for b.Loop() {
		began := time.Now()
		unix.Kill(pid, unix.SIGKILL)
		var ws unix.WaitStatus
		unix.Wait4(pid, &ws, 0, nil)
		pid = start()
		all = append(all, time.Since(began))
	}
	unix.Kill(pid, unix.SIGKILL)
	unix.Wait4(pid, nil, 0, nil)
	report(b, "respawn", all)
}

// BenchmarkRespawn is SIGKILL, the exit's notice, the gate, and a new instance
// executed.
func BenchmarkRespawn(b *testing.B) {
	for _, with := range []bool{true, false} {
		b.Run(fmt.Sprintf("cgroups=%v", with), func(b *testing.B) {
			r := benchRig(b, with)
			p := r.start(b, sleeper(r))
			var notice, whole, hand []time.Duration
			for b.Loop() {
				told := make(chan time.Time, 1)
				p.OnExit(func(proc.Exit) { told <- time.Now() })
				began := time.Now()
				unix.Kill(p.PID(), unix.SIGKILL)
				notice = append(notice, (<-told).Sub(began))
				must(b, r.do(lockfile.VerbStart, func(permit *lockfile.Permit) (err error) {
					at := time.Now()
					p, err = r.Start(permit, sleeper(r))
					hand = append(hand, time.Since(at))
					return
				}))
				whole = append(whole, time.Since(began))
			}
			report(b, "notice", notice)
			report(b, "hand", hand)
			report(b, "respawn", whole)
		})
	}
}

// BenchmarkStop is the price of a helper.
func BenchmarkStop(b *testing.B) {
	r := benchRig(b, true)
	var all []time.Duration
	for b.Loop() {
		b.StopTimer()
		r.start(b, sleeper(r))
		s := r.stopSpec(b, patience)
		b.StartTimer()
		began := time.Now()
		if _, err := r.stop(s); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	report(b, "stop", all)
}
