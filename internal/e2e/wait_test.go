package e2e

import (
	"testing"
	"time"
)

const (
	pollEvery = 10 * time.Millisecond
	// patience bounds every wait for something that must happen. It is long only because machines that test can be slow.
	patience = 30 * time.Second
	// calm is how long something that must not happen is watched for. What supd does wrongly it does at once: back-off
	// starts at 0 s in these tests.
	calm = 700 * time.Millisecond
)

// eventually waits until cond says "".
func eventually(t testing.TB, what string, cond func() (missing string)) {
	t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	late := time.After(patience)
	for {
		missing := cond()
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %s: %s", what, patience, missing)
		}
	}
}

// never watches for a while that cond goes on saying "".
func never(t testing.TB, what string, d time.Duration, cond func() (wrong string)) {
	t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	end := time.After(d)
	for {
		if wrong := cond(); wrong != "" {
			t.Fatalf("%s: %s", what, wrong)
		}
		select {
		case <-tick.C:
		case <-end:
			return
		}
	}
}
