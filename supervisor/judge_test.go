package supervisor

import (
	"errors"
	"testing"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// Whatever the gate says must reach the core as what it is: a hold read as a failure would be retried.
func TestJudgeTellsTheCoreWhatTheGateSaid(t *testing.T) {
	s := &Supervisor{}
	s.metrics = newMetrics(s)
	for name, c := range map[string]struct {
		err  error
		want core.Outcome
		kind core.HoldKind
	}{
		"done":           {nil, core.ActDone, ""},
		"held":           {&lockfile.HeldError{Service: "db", Locks: []lockfile.Lock{{ID: "1"}}}, core.ActSuppressed, core.HoldLock},
		"unreadable":     {&lockfile.UnreadableError{Service: "db", Files: []lockfile.Unreadable{{Path: "f", Err: errors.New("x")}}}, core.ActSuppressed, core.HoldUnreadable},
		"no marker":      {&lockfile.MarkerError{Path: "/s", Err: errors.New("x")}, core.ActSuppressed, core.HoldUnreadable},
		"stale":          {&lockfile.StaleError{Service: "db", Why: "x"}, core.ActStale, ""},
		"busy":           {&lockfile.BusyError{Service: "db"}, core.ActBusy, ""},
		"spawn failed":   {errors.New("no such file"), core.ActFailed, ""},
		"wrapped in one": {errors.Join(&lockfile.HeldError{Service: "db", Holds: []lockfile.Hold{{Kind: lockfile.HoldInterlock}}}), core.ActSuppressed, core.HoldInterlock},
	} {
		var res core.Result
		s.judge(core.Act{Service: "db", Verb: core.Start}, c.err, &res)
		if res.Outcome != c.want {
			t.Errorf("%s: outcome %d, want %d", name, res.Outcome, c.want)
		}
		if c.kind != "" && (len(res.Holds) != 1 || res.Holds[0].Kind != c.kind) {
			t.Errorf("%s: holds %v, want one of kind %s", name, res.Holds, c.kind)
		}
		if (c.err != nil) != (res.Err != "") {
			t.Errorf("%s: text %q", name, res.Err)
		}
	}
}

func TestHealthyIsWhatStatusExitsWith(t *testing.T) {
	hold := func(kind core.HoldKind) []api.Hold { return []api.Hold{{Kind: string(kind)}} }
	for name, c := range map[string]struct {
		v    api.ServiceStatus
		want bool
	}{
		"up":                      {api.ServiceStatus{State: "up", Want: "up"}, true},
		"down as wanted":          {api.ServiceStatus{State: "down", Want: "down"}, true},
		"down although wanted":    {api.ServiceStatus{State: "down", Want: "up"}, false},
		"backing off":             {api.ServiceStatus{State: "backoff", Want: "up"}, false},
		"locked and down":         {api.ServiceStatus{State: "down", Want: "up", Holds: hold(core.HoldLock)}, true},
		"stopped by an operator":  {api.ServiceStatus{State: "down", Want: "down", Holds: hold(core.HoldOperatorStop)}, true},
		"lock state unreadable":   {api.ServiceStatus{State: "up", Want: "up", Holds: hold(core.HoldUnreadable)}, false},
		"gave up":                 {api.ServiceStatus{State: "failed", Want: "up", Holds: hold(core.HoldRestartLimit)}, false},
		"interlocked":             {api.ServiceStatus{State: "down", Want: "up", Holds: hold(core.HoldInterlock)}, false},
		"a check fails":           {api.ServiceStatus{State: "up", Want: "up", Checks: api.CheckCounts{Failing: 1}}, false},
		"a check fails, locked":   {api.ServiceStatus{State: "up", Want: "up", Holds: hold(core.HoldLock), Checks: api.CheckCounts{Failing: 1}}, true},
		"a job that ended well":   {api.ServiceStatus{State: "done", Want: "up"}, true},
		"a check not yet looked":  {api.ServiceStatus{State: "up", Want: "up", Checks: api.CheckCounts{Unknown: 1}}, true},
		"starting, wanted, ready": {api.ServiceStatus{State: "starting", Want: "up"}, false},
	} {
		if got := healthy(c.v); got != c.want {
			t.Errorf("%s: healthy = %v", name, got)
		}
	}
}

func TestWaitedFor(t *testing.T) {
	for _, c := range []struct {
		what string
		v    api.ServiceStatus
		want bool
	}{
		{"up", api.ServiceStatus{State: "up"}, true},
		{"up", api.ServiceStatus{State: "starting", PID: 1}, false},
		{"ready", api.ServiceStatus{State: "up", Checks: api.CheckCounts{OK: 2}}, true},
		{"ready", api.ServiceStatus{State: "up", Checks: api.CheckCounts{Unknown: 1}}, false},
		{"ready", api.ServiceStatus{State: "up", Checks: api.CheckCounts{Failing: 1}}, false},
		{"down", api.ServiceStatus{State: "down"}, true},
		{"down", api.ServiceStatus{State: "backoff"}, true},
		{"down", api.ServiceStatus{State: "stopping", PID: 1}, false},
		{"down", api.ServiceStatus{State: "starting"}, false},
	} {
		if got := waitedFor(c.v, c.what); got != c.want {
			t.Errorf("waiting for %s, state %s: %v", c.what, c.v.State, got)
		}
	}
}

func TestWallShowsAnInstantAsTimeOfDay(t *testing.T) {
	at := time.Now()
	if got := wall(now().Add(-time.Hour), at); at.Sub(got).Round(time.Second) != time.Hour {
		t.Errorf("an hour ago is %v before now", at.Sub(got))
	}
	if got := wall(0, at); !got.Equal(at) {
		t.Errorf("never is %v", got)
	}
}
