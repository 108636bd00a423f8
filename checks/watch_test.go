package checks

import (
	"testing"
	"time"
)

// watching is a watch of a process check with these conditions.
func watching(t *testing.T, remind time.Duration, texts ...string) *watch {
	t.Helper()
	k := mustLookup(t, "process")
	o := k.Options()
	o.Remind = Duration(remind)
	for _, text := range texts {
		c, err := ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(k); err != nil {
			t.Fatal(err)
		}
		o.When = append(o.When, c)
	}
	return newWatch(k, o)
}

func sized(mb float64) Result {
	return Pass("pid 7: rss %s", Bytes(mb*(1<<20))).With("rss", Bytes(mb*(1<<20))).With("exists", Truth(true))
}

func TestConditionForDuration(t *testing.T) {
	w := watching(t, 0, "rss > 400M for 5m")
	at := time.Unix(0, 0)
	for _, step := range []struct {
		after  time.Duration
		result Result
		state  State
		change Change
		detail string
	}{
		{0, sized(300), OK, NoChange, "pid 7: rss 300M"},
		{time.Minute, sized(500), OK, NoChange, "rss is 500M: rss > 400M for 5m (so far for 0s)"},
		{4 * time.Minute, sized(501), OK, NoChange, "rss is 501M: rss > 400M for 5m (so far for 4m)"},
		{time.Minute, sized(502), Failing, Failed, "rss is 502M: rss > 400M for 5m"},
		{time.Minute, sized(399), OK, Recovered, "pid 7: rss 399M"},
		{4 * time.Minute, sized(500), OK, NoChange, "rss is 500M: rss > 400M for 5m (so far for 0s)"},
		// Ten minutes without a look are not ten minutes above.
		{time.Minute, Unclear("cannot read"), Unknown, NoChange, "cannot read"},
		{9 * time.Minute, sized(500), OK, NoChange, "rss is 500M: rss > 400M for 5m (so far for 0s)"},
	} {
		at = at.Add(step.after)
		r := w.see(Report{At: at, Result: step.result})
		if r.Result.State != step.state || r.Change != step.change || r.Result.Detail != step.detail {
			t.Errorf("at %s: %s, %s, %q; want %s, %s, %q", at.Sub(time.Unix(0, 0)), r.Result.State, r.Change, r.Result.Detail, step.state, step.change, step.detail)
		}
	}
}

func TestConditionsAndTheCheckItself(t *testing.T) {
	for name, c := range map[string]struct {
		conditions []string
		result     Result
		state      State
		detail     string
	}{
		"any condition fails":          {[]string{"rss > 1G", "rss > 1M"}, sized(2), Failing, "rss is 2M: rss > 1M"},
		"both are named":               {[]string{"rss > 1K", "rss > 1M"}, sized(2), Failing, "rss is 2M: rss > 1K; rss is 2M: rss > 1M"},
		"none fails":                   {[]string{"rss > 1G"}, sized(2), OK, "pid 7: rss 2M"},
		"not seen":                     {[]string{"cpu > 1%"}, sized(2), Unknown, "not seen in this look: cpu"},
		"not seen, but another fails":  {[]string{"cpu > 1%", "rss > 1M"}, sized(2), Failing, "rss is 2M: rss > 1M"},
		"the check fails":              {[]string{"rss > 1G"}, Fail("broken").With("rss", Bytes(1)), Failing, "broken"},
		"both fail":                    {[]string{"rss > 1G"}, Fail("broken").With("rss", Bytes(2<<30)), Failing, "broken; rss is 2G: rss > 1G"},
		"unknown, but a condition is":  {[]string{"not exists"}, Unclear("no process").With("exists", Truth(false)), Failing, "exists: no"},
		"unknown stays":                {[]string{"rss > 1G"}, Unclear("no process").With("exists", Truth(false)), Unknown, "no process"},
		"no condition changes nothing": {nil, Fail("broken"), Failing, "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			r := watching(t, 0, c.conditions...).see(Report{At: time.Unix(0, 0), Result: c.result})
			if r.Result.State != c.state || r.Result.Detail != c.detail {
				t.Errorf("%s, %q; want %s, %q", r.Result.State, r.Result.Detail, c.state, c.detail)
			}
		})
	}
}

func TestChangedComparesWithTheLookBefore(t *testing.T) {
	w := watching(t, 0, "rss changed")
	for i, step := range []struct {
		mb   float64
		want State
	}{{1, OK}, {1, OK}, {2, Failing}, {2, OK}, {1, Failing}} {
		if r := w.see(Report{At: time.Unix(int64(i), 0), Result: sized(step.mb)}); r.Result.State != step.want {
			t.Errorf("look %d: %s, want %s", i, r.Result.State, step.want)
		}
	}
}

// TestShowIsNoEvidence: a look that somebody asked for must not use up a change or a tolerance.
func TestShowIsNoEvidence(t *testing.T) {
	w := watching(t, 0, "rss changed")
	w.see(Report{At: time.Unix(0, 0), Result: sized(1)})
	for i := range 3 {
		if r := w.show(Report{At: time.Unix(int64(i), 0), Result: sized(2)}); r.Result.State != Failing || r.Change != NoChange || r.Believed != OK {
			t.Errorf("shown as %s, %s, believed %s", r.Result.State, r.Change, r.Believed)
		}
	}
	if r := w.see(Report{At: time.Unix(9, 0), Result: sized(2)}); r.Change != Failed {
		t.Errorf("the change was used up: %s", r.Change)
	}
	w = watching(t, 0, "rss > 1M for 1m")
	w.show(Report{At: time.Unix(0, 0), Result: sized(2)})
	w.see(Report{At: time.Unix(50, 0), Result: sized(2)})
	if r := w.see(Report{At: time.Unix(70, 0), Result: sized(2)}); r.Change != NoChange {
		t.Errorf("the time since the look that was asked for counts: %s", r.Result.Detail)
	}
}

func TestResetForgetsWhatConditionsSaw(t *testing.T) {
	w := watching(t, 0, "rss changed", "rss > 400M for 1m")
	w.see(Report{At: time.Unix(0, 0), Result: sized(500)})
	w.see(Report{At: time.Unix(50, 0), Result: sized(500)})
	w.reset(time.Unix(55, 0))
	r := w.see(Report{At: time.Unix(100, 0), Result: sized(600)})
	if r.Result.State != OK || r.Failures != 0 {
		t.Errorf("after the reset: %s (%s)", r.Result.State, r.Result.Detail)
	}
}

func TestRemind(t *testing.T) {
	w := watching(t, time.Hour, "rss > 1M")
	reminded := ""
	for i := range 14 {
		r := w.see(Report{At: time.Unix(0, 0).Add(time.Duration(i) * 10 * time.Minute), Result: sized(2)})
		reminded += map[bool]string{true: "!", false: "."}[r.Remind]
	}
	if want := "......!.....!."; reminded != want {
		t.Errorf("reminded %s, want %s", reminded, want)
	}
}
