package checks

import (
	"maps"
	"strings"
	"time"
)

// watch turns a check's looks into verdicts: its conditions, their history, and the judge behind them. Pure: the time of a
// look comes with it.
type watch struct {
	conditions []bound
	held       []evidence       // of each condition, for its "for"
	was        map[string]Value // the value last seen under each name, for "changed"
	judge      judge
	since      time.Time // of judge.state
	spoken     time.Time // of the last Failed or reminder
	remind     time.Duration
}

// newWatch binds the conditions of valid options; one that does not bind is left out.
func newWatch(k Kind, o Options) *watch {
	w := &watch{
		was:    map[string]Value{},
		judge:  judge{fail: o.FailAfter, recover: o.RecoverAfter},
		remind: o.Remind.Std(),
	}
	for _, c := range o.When {
		if b, err := c.bind(k); err == nil {
			w.conditions = append(w.conditions, b)
		}
	}
	w.held = make([]evidence, len(w.conditions))
	return w
}

// see takes a look's result as evidence and fills in what it means.
func (w *watch) see(r Report) Report {
	r.Result = w.verdict(r.Result, r.At, true)
	before := w.judge.state
	r.Change = w.judge.see(r.Result.State, r.At)
	if w.judge.state != before {
		w.since = r.At
	}
	switch {
	case r.Change == Failed:
		w.spoken = r.At
	case w.judge.state == Failing && w.remind > 0 && r.At.Sub(w.spoken) >= w.remind:
		r.Remind, w.spoken = true, r.At
	}
	return w.fill(r)
}

// show judges a result by the conditions without taking it as evidence.
func (w *watch) show(r Report) Report {
	r.Result = w.verdict(r.Result, r.At, false)
	return w.fill(r)
}

// fill adds what is believed to a report.
func (w *watch) fill(r Report) Report {
	r.Believed, r.Since, r.Failures = w.judge.state, w.since, w.judge.row
	return r
}

// reset forgets all evidence; see judge.reset.
func (w *watch) reset(at time.Time) {
	w.judge.reset()
	w.since = at
	clear(w.held)
	clear(w.was)
}

// verdict applies the conditions to what was seen. Any one that holds is a failure, whatever the check itself says; one
// whose value was not seen leaves a success unknown.
func (w *watch) verdict(r Result, at time.Time, keep bool) Result {
	if len(w.conditions) == 0 {
		return r
	}
	var failing, coming, missing []string
	for i := range w.conditions {
		c := &w.conditions[i]
		is, seen := r.Values[c.term.key()]
		// What was not seen holds for nothing: its history stops until it is seen again.
		was := w.was[c.term.key()]
		holds := seen && c.holds(is, was)
		enough := holds
		if c.For > 0 {
			held := w.held[i]
			enough = held.add(Tolerance{For: c.For}, holds, !seen, at) && holds
			// Judged on a copy, so that a look that somebody asked for leaves no trace.
			if keep {
				w.held[i] = held
			}
			if holds && !enough {
				coming = append(coming, c.said(is, was)+" (so far for "+Duration(held.held.Round(time.Second)).String()+")")
			}
		}
		switch {
		case enough:
			failing = append(failing, c.said(is, was))
			if len(failing) == 1 {
				r.Value = is
			}
		case !seen:
			missing = append(missing, c.Name)
		}
	}
	if keep {
		maps.Copy(w.was, r.Values)
	}
	return concluded(r, failing, coming, missing)
}

// concluded joins the check's own verdict and the conditions'.
func concluded(r Result, failing, coming, missing []string) Result {
	say := failing
	switch {
	case len(failing) > 0:
		if r.State == Failing && r.Detail != "" {
			say = append([]string{r.Detail}, failing...)
		}
		r.State = Failing
	case r.State == OK && len(missing) > 0:
		r.State = Unknown
		say = []string{"not seen in this look: " + strings.Join(missing, ", ")}
	case r.State == OK && len(coming) > 0:
		say = coming
	}
	if len(say) > 0 {
		r.Detail = clip(strings.Join(say, "; "), detailBytesMax)
	}
	return r
}
