package hands

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// leaver goes at once when it is asked to, and leaves behind somebody who does not.
const leaver = `(trap "" TERM; sh -c 'echo $PPID > left.tmp'; mv left.tmp left; while :; do sleep 1000; done) &
trap "exit 0" TERM; while ! [ -e left ]; do sleep 0.01; done; mv left up; while :; do sleep 0.01; done`

// modeStopLeaver is a supd that is stopping a leaver, and is killed meanwhile.
func modeStopLeaver(r *rig) error {
	n, err := r.Notes.Read(service)
	if err != nil {
		return err
	}
	_, err = r.stop(StopSpec{Service: service, Target: n.Process, Gen: n.Gen, Cgroup: n.Cgroup, Timeout: patience})
	return err
}

// F33: supd and its helper are killed when the main process has gone and what it left behind has been asked to go: that may end, or
// be ended, at any time, so a lock has to wait for it.
func TestF33_WhatAStopLeftBehindIsInFlight(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec(leaver))
		pid, err := strconv.Atoi(r.await(t, "up"))
		must(t, err)
		left, err := proc.Identify(pid)
		must(t, err)
		n, err := r.Notes.Read(service)
		must(t, err)
		cmd, _ := r.another(t, "stop-leaver")
		rec := helperOf(t, r, termSent)
		ended(t, p)
		must(t, cmd.Process.Kill())
		cmd.Wait()
		must(t, unix.Kill(rec.Shim.PID, unix.SIGKILL))
		eventually(t, "helper gone", func() bool { return !rec.Shim.Alive() })
		if lives, err := left.Lives(); !lives || err != nil {
			t.Fatalf("nothing is left, so this test proves nothing: %v", err)
		}

		me := lockfile.Owner{Name: "ann", UID: int64(os.Getuid()), PID: os.Getpid()}
		lock := lockfile.LockRequest{IDs: []string{lockfile.NewID()}, Targets: []lockfile.Target{lockfile.ServiceTarget(service)}, Owner: me, Wait: 50 * time.Millisecond}
		var inFlight *lockfile.InFlightError
		if _, err := r.dir.Lock(context.Background(), lock); !errors.As(err, &inFlight) {
			t.Fatalf("a lock beside what was told to go: %v, want in flight", err)
		}
		must(t, r.dir.Finish(context.Background(), service, func(permit *lockfile.Permit) error {
			_, err := r.Stop(permit, StopSpec{Service: service, Target: n.Process, Gen: n.Gen, Cgroup: n.Cgroup})
			return err
		}))
		if lives, err := left.Lives(); lives || err != nil {
			t.Errorf("the stop is finished and something of it lives: %v", err)
		}
		lock.Wait = patience
		_, err = r.dir.Lock(context.Background(), lock)
		must(t, err)
	})
}
