// Package await is how tests wait for what has to happen: for the event, and never for the time.
package await

import (
	"context"
	"testing"
	"time"
)

// Patience bounds every wait for something that has to happen at once, on a busy machine too.
const Patience = 20 * time.Second

// Eventually polls for what the kernel tells nobody about, like a zombie that somebody else has reaped.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(Patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within %s", what, Patience)
		}
	}
}

// End waits for the end of a process and says how it was.
func End[Exit any](t testing.TB, process interface {
	Wait(context.Context) (Exit, error)
	PID() int
}) Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	e, err := process.Wait(ctx)
	if err != nil {
		t.Fatalf("pid %d did not end: %v", process.PID(), err)
	}
	return e
}
