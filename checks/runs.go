package checks

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// startLocked starts a job that was in line; a check whose need fails is reported without a run. s.mu must be held.
func (s *Scheduler) startLocked(ctx context.Context, j *job, now time.Time) (Report, bool) {
	j.inLine = false
	if j.gone || !j.isDue && len(j.asked) == 0 {
		return Report{}, false
	}
	r := &run{job: j, epoch: j.epoch, instance: s.services[j.Service].instance, isDue: j.isDue, asked: j.asked}
	j.isDue, j.asked = false, nil
	// Somebody who asks gets a look, whatever it needs: perhaps to find out about just that.
	if len(r.asked) == 0 {
		why := s.needLocked(j)
		j.leftOut = why != ""
		if j.leftOut {
			return s.tellLocked(r, Unclear("%s", why), now)
		}
	}
	timeout := j.Options.Timeout.Std()
	runCtx, cancel := context.WithTimeout(ctx, timeout)
	r.cancel = cancel
	j.current, j.since, j.guard = r, now, now.Add(timeout+returnGrace)
	s.due.placed(j)
	s.running++
	go s.look(runCtx, r)
	return Report{}, false
}

// look is a run's goroutine, the only one that a check has. It never blocks on the scheduler: what it saw waits in s.back.
func (s *Scheduler) look(ctx context.Context, r *run) {
	begin := time.Now()
	result := runSafely(ctx, r.job.check, s.setup.Env(r.job.Service))
	end := time.Now()
	result.Duration = end.Sub(begin)
	if hide := s.setup.Hide; hide != nil {
		result = result.hidden(hide)
	}
	s.mu.Lock()
	s.back = append(s.back, comeback{run: r, result: result, at: end})
	s.mu.Unlock()
	s.poke()
}

// hidden is the result with every text passed through hide. The conditions have been judged on what was really there.
func (r Result) hidden(hide func(string) string) Result {
	r.Detail, r.Value.Text = hide(r.Detail), hide(r.Value.Text)
	for name, v := range r.Values {
		if text := hide(v.Text); text != v.Text {
			r.Values = maps.Clone(r.Values) // never written to after Run
			v.Text = text
			r.Values[name] = v
		}
	}
	return r
}

// runSafely keeps a mistake in one check type from taking supd down.
func runSafely(ctx context.Context, c Check, env Env) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = Unclear("the check itself broke, which is a mistake in supd: %v", p)
		}
	}()
	r = c.Run(ctx, env)
	if r.Detail == "" && r.State != OK {
		r.Detail = fmt.Sprintf("%s, and the check does not say why", r.State)
	}
	return r
}

// endLocked takes a run that came back, and gives its place back unless hangLocked has. s.mu must be held.
func (s *Scheduler) endLocked(c comeback) (Report, bool) {
	r, j := c.run, c.run.job
	r.cancel()
	if !r.hangs {
		s.running--
	}
	j.current, j.since, j.guard = nil, time.Time{}, time.Time{}
	if j.gone {
		return Report{}, false
	}
	s.due.placed(j)
	if len(j.asked) > 0 {
		s.lineUpLocked(j)
	}
	if r.hangs {
		return Report{}, false
	}
	return s.tellLocked(r, c.result, c.at)
}

// hangLocked gives up on a run that did not come back after its timeout: a system call that cannot be broken off. Its
// place goes to another check; it is not started again before it has come back. s.mu must be held.
func (s *Scheduler) hangLocked(j *job, now time.Time) (Report, bool) {
	r := j.current
	r.hangs = true
	j.guard = time.Time{}
	s.running--
	if j.gone {
		return Report{}, false
	}
	res := Fail("no answer within %s, and the system call it waits in cannot be broken off (a dead network file system?)", j.Options.Timeout)
	res.Duration = now.Sub(j.since)
	// Who waits for the run after this one would wait as long as the system call.
	r.asked = append(r.asked, j.asked...)
	j.asked = nil
	return s.tellLocked(r, res, now)
}

// tellLocked makes the report of a run and answers those who asked for it. s.mu must be held.
func (s *Scheduler) tellLocked(r *run, res Result, at time.Time) (Report, bool) {
	j := r.job
	rep := Report{
		Key: j.Key, Type: j.Options.Type, Instance: r.instance, At: at, Result: res,
		Asked: !r.isDue, Frozen: s.services[j.Service].frozen, Late: j.late,
	}
	valid := r.epoch == j.epoch
	if valid && r.isDue && !rep.Frozen {
		rep = j.watch.see(rep)
	} else {
		rep = j.watch.show(rep)
	}
	// Each channel has room for its one answer, so nobody who went away is waited for.
	for _, answer := range r.asked {
		answer <- rep
	}
	if valid {
		j.last = rep
	}
	return rep, valid
}
