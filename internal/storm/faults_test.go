package storm

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// byHand runs a second witness for a service, past every gate, as a broken supervisor would.
func (w *world) byHand(name string) note {
	w.t.Helper()
	pause(w.t.Context(), 2*tick) // what is nearer to a return than the clock of forks can tell is let pass
	cmd := exec.Command(programs.self, "witness", "-dir", w.dir, "-label", labelOf(name))
	cmd.Env = append(os.Environ(), "SUPD_SERVICE="+name)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go cmd.Wait()
	var n note
	w.must("the witness is seen", func() string {
		all := w.reg.living(func(n note) bool { return n.PID == cmd.Process.Pid })
		if len(all) == 0 {
			return "no"
		}
		n = all[0]
		return ""
	})
	return n
}

// main is the living main process of a service.
func (w *world) main(name string) (n note) {
	w.t.Helper()
	w.must(name+" lives", func() string {
		all := w.reg.living(func(n note) bool { return n.Name == name && !n.Child })
		if len(all) == 0 {
			return "no"
		}
		n = all[0]
		return ""
	})
	return n
}

func (w *world) rules() (all []string) {
	for _, v := range w.verdict() {
		all = append(all, v.rule)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestDeliberateFaults breaks the promises by hand beside a real supd, each in another way, and wants the judge to see it:
// the witnesses, their records and the judge together can fail.
func TestDeliberateFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		rule string
		do   func(w *world, p *somebody)
	}{
		{"nothing wrong", "", func(w *world, p *somebody) {
			w.reg.shoot(w.main("slow"), syscall.SIGKILL)
			w.main("slow")
			p.does(call{verb: doLock, targets: []string{"slow"}}, "maintenance", "start", "slow")
			p.does(call{verb: doList}, "maintenance", "list")
		}},
		{"started under a lock", "L1", func(w *world, p *somebody) {
			stop := call{verb: doLock, targets: []string{"slow"}, labels: []string{"slow"}, bring: true}
			if c := p.does(stop, "maintenance", "start", "slow", "--stop"); c.code != 0 {
				w.t.Fatalf("exit code %d", c.code)
			}
			w.byHand("slow")
		}},
		{"stopped under a lock", "L1", func(w *world, p *somebody) {
			p.does(call{verb: doLock, targets: []string{"db"}}, "maintenance", "start", "db")
			n := w.main("db")
			syscall.Kill(n.PID, stopSignal)
			w.must("it hears the signal", func() string {
				if all, err := w.reg.notes(); err != nil || !slices.ContainsFunc(all, func(s note) bool { return s.PID == n.PID && s.What == "signal" }) {
					return "no"
				}
				return ""
			})
		}},
		{"killed under a lock", "L1", func(w *world, p *somebody) {
			n := w.main("db")
			p.does(call{verb: doLock, targets: []string{"@back"}}, "maintenance", "start", "@back")
			syscall.Kill(n.PID, syscall.SIGKILL)
			w.must("it dies", func() string {
				if len(w.reg.living(func(o note) bool { return o.PID == n.PID })) > 0 {
					return "it lives"
				}
				return ""
			})
		}},
		{"a second copy", "ONE", func(w *world, p *somebody) {
			w.main("told")
			w.byHand("told")
		}},
		{"started after a stop", "STOP", func(w *world, p *somebody) {
			p.does(call{verb: doStop, targets: []string{"told"}, labels: []string{"told"}}, "stop", "told")
			w.byHand("told")
		}},
		{"a lock that vanishes", "L2", func(w *world, p *somebody) {
			p.does(call{verb: doLock, targets: []string{"told"}}, "maintenance", "start", "told")
			if err := os.RemoveAll(w.dir + "/state/locks/service/told"); err != nil {
				w.t.Fatal(err)
			}
			p.does(call{verb: doList}, "maintenance", "list")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			close(w.calm) // nothing is killed at random here
			w.waitAnswers()
			w.must("everything is up", func() string { return w.down(true) })
			c.do(w, w.people(1, 1)[0])
			want := []string{c.rule}
			if c.rule == "" {
				want = nil
			}
			if got := w.rules(); !slices.Equal(got, want) {
				t.Errorf("the judge found %v (%v), want %v", got, w.verdict(), want)
			}
		})
	}
}
