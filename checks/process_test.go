package checks

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestProcessCPUIsTheShareBetweenTwoLooks(t *testing.T) {
	check := made(t, "process", `when = "cpu > 90%"`)
	p, s := Process{PID: 7, StartTime: 1}, Sample{At: time.Unix(100, 0), RSS: 5 << 20, CPU: time.Second}
	env := Env{
		Process: func() (Process, bool) { return p, p.PID != 0 },
		Sample:  func(context.Context, Process) (Sample, error) { return s, nil },
	}
	for _, step := range []struct {
		name string
		do   func()
		cpu  string
	}{
		{"first look", func() {}, ""},
		{"half a core", func() { s.At, s.CPU = s.At.Add(10*time.Second), s.CPU+5*time.Second }, "50%"},
		{"two cores", func() { s.At, s.CPU = s.At.Add(time.Second), s.CPU+2*time.Second }, "200%"},
		{"too soon", func() { s.At = s.At.Add(time.Millisecond) }, ""},
		{"since the look before the one that came too soon", func() { s.At, s.CPU = s.At.Add(999*time.Millisecond), s.CPU+100*time.Millisecond }, "10%"},
		{"another process of the same pid", func() { p.StartTime, s.CPU, s.At = 2, s.CPU+time.Second, s.At.Add(time.Second) }, ""},
		{"that one", func() { s.At, s.CPU = s.At.Add(10*time.Second), s.CPU+time.Second }, "10%"},
	} {
		step.do()
		r := check.Run(t.Context(), env)
		if got := r.Values["cpu"].String(); got != step.cpu {
			t.Errorf("%s: cpu is %q, want %q", step.name, got, step.cpu)
		}
		if got := r.Values["rss"].String(); got != "5M" {
			t.Errorf("%s: rss is %q, want 5M", step.name, got)
		}
	}
}

func TestProcessThatIsNotThere(t *testing.T) {
	check := made(t, "process", `when = "rss > 1G"`)
	gone := Env{Process: func() (Process, bool) { return Process{}, false }, Sample: living(Sample{}).Sample}
	r := check.Run(t.Context(), gone)
	expectDetail(t, r, Unknown, "the service has no process")
	if r.Values["exists"].String() != "no" {
		t.Errorf("exists is %q", r.Values["exists"])
	}
	died := living(Sample{})
	died.Sample = func(context.Context, Process) (Sample, error) { return Sample{}, errors.New("process is gone") }
	expectDetail(t, check.Run(t.Context(), died), Unknown, "cannot read the figures of pid 7: process is gone")
}
