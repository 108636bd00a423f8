package supervisor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/supd/supd/checks"
	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/supervisor/core"
)

// watching joins the scheduler of the checks with the core: results become events, and what happens to services decides
// which checks run and count.
type watching struct {
	s         *Supervisor
	scheduler *checks.Scheduler
	samples   samples

	mu     sync.Mutex
	confs  map[checks.Key]*configs.Check
	locked map[string]bool // services whose checks are frozen
	epochs map[string]string
	told   map[checks.Key]bool // failures recorded under a lock
}

func newWatching(s *Supervisor) *watching {
	w := &watching{s: s, confs: map[checks.Key]*configs.Check{}, locked: map[string]bool{}, epochs: map[string]string{}, told: map[checks.Key]bool{}}
	w.scheduler = checks.NewScheduler(checks.Setup{Env: w.env, Report: w.report, Hide: s.hide})
	return w
}

// start schedules the checks of the plan in force and runs them until ctx ends. Checks of services begin when the service
// has a process.
func (w *watching) start(ctx context.Context) {
	plan, _ := w.s.inForce()
	w.reload(plan)
	go w.scheduler.Run(ctx)
}

// reload schedules what a plan says. A check that did not change goes on as it was.
func (w *watching) reload(plan *configs.Plan) {
	fresh := map[checks.Key]*configs.Check{}
	var jobs []checks.Job
	take := func(c *configs.Check) {
		key := checks.Key{Service: c.Service, Name: c.Name}
		fresh[key] = c
		jobs = append(jobs, checks.Job{Key: key, Options: c.Options, Config: c.Config})
	}
	for _, c := range plan.Checks {
		take(c)
	}
	for name, svc := range plan.Services {
		for _, c := range svc.Checks {
			take(c)
		}
		if w.s.services.get(name).running() == nil {
			w.scheduler.Pause(name)
		}
	}
	w.mu.Lock()
	old := w.confs
	w.confs = fresh
	w.mu.Unlock()
	if err := w.scheduler.Set(jobs); err != nil {
		w.s.problem("checks", err.Error())
		return
	}
	for key, c := range old {
		if fresh[key] == nil {
			w.interlock(c, false, "")
		}
	}
	for key, c := range fresh {
		if old[key] == nil {
			w.unlooked(c)
		} else if st, ok := w.scheduler.Status(key); ok && st.State() == checks.Failing {
			w.interlock(c, true, st.Last.Result.Detail) // also for services that are new, or have a new name
		}
	}
}

// unlooked holds stateful services for an interlock that has not looked yet: unknown is no all-clear for a database.
func (w *watching) unlooked(c *configs.Check) {
	if len(c.Options.Interlocks) == 0 {
		return
	}
	w.interlockStateful(c, "it has not looked yet")
	go func() { _, _ = w.scheduler.RunNow(w.s.ctx, checks.Key{Service: c.Service, Name: c.Name}) }() // it is reported like any look
}

// began starts the checks of a service's new instance, with no evidence from the one before.
func (w *watching) began(name string, gen uint64) {
	w.scheduler.Resume(name, gen)
	conf := w.s.services.conf(name)
	if conf != nil && conf.Ready.Mode == configs.ReadyCheck {
		go w.probeReady(name, gen, conf)
	}
}

// ended pauses the checks of a service without a process.
func (w *watching) ended(name string) { w.scheduler.Pause(name) }

// probeEvery is the pace at which a starting service's readiness check is run, whatever its own schedule: starting is not
// over a moment later than it has to be.
const probeEvery = 250 * time.Millisecond

// probeReady runs the readiness check until it passes or the instance is gone.
func (w *watching) probeReady(name string, gen uint64, conf *configs.Service) {
	key := checks.Key{Service: name, Name: conf.Ready.Check}
	for {
		r, err := w.scheduler.RunNow(w.s.ctx, key)
		if err != nil {
			return
		}
		if r.Result.State == checks.OK {
			w.s.send(core.Ready{Service: name, Gen: gen})
			return
		}
		svc := w.s.services.get(name)
		if svc == nil {
			return
		}
		svc.mu.Lock()
		over := svc.gen != gen || svc.exited
		svc.mu.Unlock()
		if over {
			return
		}
		select {
		case <-w.s.ctx.Done():
			return
		case <-time.After(probeEvery):
		}
	}
}

// held freezes the checks of a locked service: they go on and are shown, and are evidence for nothing. The end of the lock
// forgets what was seen under it.
func (w *watching) held(name string, holds []core.Hold) {
	locked := slices.ContainsFunc(holds, func(h core.Hold) bool { return h.Kind == core.HoldLock || h.Kind == core.HoldUnreadable })
	w.mu.Lock()
	was := w.locked[name]
	w.locked[name] = locked
	if !locked {
		for key := range w.told {
			if key.Service == name {
				delete(w.told, key)
			}
		}
	}
	w.mu.Unlock()
	switch {
	case locked && !was:
		w.scheduler.Freeze(name)
	case was && !locked:
		w.scheduler.Unfreeze(name)
	}
}

// epoch forgets what checks saw of a service before a release that nobody told supd of: a lock that came and went as files.
func (w *watching) epoch(name, token string) {
	w.mu.Lock()
	was, known := w.epochs[name]
	w.epochs[name] = token
	w.mu.Unlock()
	if known && was != token {
		w.scheduler.Reset(name)
	}
}

func (w *watching) conf(key checks.Key) *configs.Check {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.confs[key]
}

// report turns a result into history and events for the core. It runs on the scheduler's goroutine, which the loop never
// waits for.
func (w *watching) report(r checks.Report) {
	defer w.s.bell.ring()
	w.s.journal.CheckDone(r.Service, r.Name, journal.CheckResult{
		Time: r.At, State: r.Result.State.String(), Detail: r.Result.Detail, Value: r.Result.Value.String(), Duration: r.Result.Duration,
	})
	c := w.conf(r.Key)
	if c == nil {
		return
	}
	w.interlockResult(c, r)
	if r.Frozen && !r.Asked {
		w.failingUnderLock(c, r)
	}
	if r.Frozen || r.Asked {
		return
	}
	switch r.Change {
	case checks.Failed:
		w.failed(c, r)
	case checks.Recovered:
		w.recovered(c, r)
	}
	if r.Remind {
		w.s.record("check.still_failing", r.Service, journal.Warning, fmt.Sprintf("check %s still fails: %s", r.Key, r.Result.Detail), nil)
	}
}

// failingUnderLock records, once per lock, that a check fails and that nothing follows: it is evidence for nothing, but
// nothing is forgotten.
func (w *watching) failingUnderLock(c *configs.Check, r checks.Report) {
	w.mu.Lock()
	told := w.told[r.Key]
	w.told[r.Key] = r.Result.State == checks.Failing
	w.mu.Unlock()
	if told || r.Result.State != checks.Failing {
		return
	}
	text := fmt.Sprintf("check %s fails under a lock: %s", r.Key, r.Result.Detail)
	if c.Options.OnFail != checks.ActAlert && c.Options.OnFail != checks.ActNone {
		text += fmt.Sprintf("; not going to %s", c.Options.OnFail)
	}
	w.s.record(core.EvCheckFailed, r.Service, journal.Notice, text,
		map[string]string{"check": r.Name, "on_fail": string(c.Options.OnFail), "under": "lock"})
}

func (w *watching) failed(c *configs.Check, r checks.Report) {
	if r.Service != "" {
		w.s.send(core.CheckFailed{
			Service: r.Service, Gen: r.Instance, Check: r.Name, OnFail: core.OnFail(c.Options.OnFail), Reason: r.Result.Detail,
		})
		return
	}
	w.s.record(core.EvCheckFailed, "", journal.Error, fmt.Sprintf("check %s failed: %s", r.Name, r.Result.Detail),
		map[string]string{"check": r.Name})
	if c.Options.OnFail == checks.ActExec {
		go w.s.execAlone(c, r)
	}
}

func (w *watching) recovered(c *configs.Check, r checks.Report) {
	if r.Service != "" {
		w.s.send(core.CheckRecovered{Service: r.Service, Gen: r.Instance, Check: r.Name})
	} else {
		w.s.record(core.EvCheckRecovered, "", journal.Notice, fmt.Sprintf("check %s passes again", r.Name), map[string]string{"check": r.Name})
	}
	if c.Options.OnRecover == checks.ActExec {
		go w.s.execAlone(c, r)
	}
}

// interlockResult holds services while the check that interlocks them fails. What is believed counts, so that tolerance
// applies; a look that could not be made holds what is stateful.
func (w *watching) interlockResult(c *configs.Check, r checks.Report) {
	if len(c.Options.Interlocks) == 0 {
		return
	}
	switch {
	case r.Believed == checks.Failing || r.Asked && r.Result.State == checks.Failing:
		w.interlock(c, true, r.Result.Detail)
	case r.Result.State == checks.Unknown:
		w.interlockStateful(c, r.Result.Detail)
	case r.Result.State == checks.OK:
		w.interlock(c, false, "")
	}
}

func (w *watching) interlock(c *configs.Check, on bool, why string) {
	for _, name := range c.Options.Interlocks {
		w.s.send(core.Interlock{Service: name, Check: c.Name, On: on, Reason: why})
	}
}

func (w *watching) interlockStateful(c *configs.Check, why string) {
	for _, name := range c.Options.Interlocks {
		if conf := w.s.services.conf(name); conf != nil && conf.Stateful {
			w.s.send(core.Interlock{Service: name, Check: c.Name, On: true, Reason: "unknown: " + why})
		}
	}
}

// counts sums up the checks of each service.
func (w *watching) counts() map[string]api.CheckCounts {
	out := map[string]api.CheckCounts{}
	for key, st := range w.scheduler.Statuses() {
		n := out[key.Service]
		switch st.State() {
		case checks.OK:
			n.OK++
		case checks.Failing:
			n.Failing++
		default:
			n.Unknown++
		}
		out[key.Service] = n
	}
	return out
}

// list shows the checks of services, or, with nil, all.
func (w *watching) list(services []string) []api.CheckStatus {
	out := []api.CheckStatus{}
	for key, st := range w.scheduler.Statuses() {
		if services != nil && !slices.Contains(services, key.Service) {
			continue
		}
		if c := w.conf(key); c != nil {
			out = append(out, checkStatus(c, st))
		}
	}
	slices.SortFunc(out, func(a, b api.CheckStatus) int {
		return slices.Compare([]string{a.Service, a.Name}, []string{b.Service, b.Name})
	})
	return out
}

func checkStatus(c *configs.Check, st checks.Status) api.CheckStatus {
	w := api.CheckStatus{
		Service: c.Service, Name: c.Name, Type: c.Options.Type, State: st.State().String(), Detail: st.Last.Result.Detail,
		Value: st.Last.Result.Value.String(), DurationS: st.Last.Result.Duration.Seconds(), Failures: st.Last.Failures,
		OnFail: string(c.Options.OnFail), Paused: st.Paused || st.Frozen, Interlocks: c.Options.Interlocks,
		Since: moment(st.Last.Since), Last: moment(st.Last.At), Next: moment(st.Next),
	}
	if w.Interlocks == nil {
		w.Interlocks = []string{}
	}
	return w
}

// moment is a time for the wire, where null means never.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
