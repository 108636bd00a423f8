package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Row 18: a deliberate stop is held, said, and told what comes next.
func TestRow18_OperatorStop(t *testing.T) {
	kinds := map[string]struct {
		args   []string // of the witness: how it ends of itself
		signal syscall.Signal
	}{
		"TERM": {nil, syscall.SIGTERM}, "INT": {nil, syscall.SIGINT},
		"exit 0 after TERM":   {[]string{"-slow-stop", "1ms"}, syscall.SIGTERM},
		"exit 143 after TERM": {[]string{"-slow-stop", "1ms", "-code", "143"}, syscall.SIGTERM},
		"exit 130 after INT":  {[]string{"-slow-stop", "1ms", "-code", "130"}, syscall.SIGINT},
		"exit 131 after QUIT": {[]string{"-slow-stop", "1ms", "-code", "131"}, syscall.SIGQUIT},
		"exit 0":              {[]string{"-exit-after", "100ms"}, 0},
		"exit 129":            {[]string{"-exit-after", "100ms", "-code", "129"}, 0},
		"exit 131":            {[]string{"-exit-after", "100ms", "-code", "131"}, 0},
	}
	text, names := quick, map[string]string{}
	for kind, k := range kinds {
		name := strings.ReplaceAll(kind, " ", "-")
		names[kind] = name
		text += service(name, "", k.args...)
	}
	t.Parallel()
	d := started(t, text)
	for kind, k := range kinds {
		name := names[kind]
		if k.signal != 0 {
			d.up(name)
			d.shoot(name, k.signal)
		}
		s := d.waitHold(name, "operator-stop")
		for _, next := range []string{"supctl maintenance start " + name, "supctl start " + name} {
			if !strings.Contains(s.Next, next) {
				t.Errorf("%s: status does not name %q as next: %q", kind, next, s.Next)
			}
		}
		if len(d.events(name, "service.operator_stop")) != 1 {
			t.Errorf("%s: not in the record", kind)
		}
	}
	all := make([]string, 0, len(names))
	for _, n := range names {
		all = append(all, n)
	}
	d.unchanged("what was stopped stays down", all...)
	d.ctl("status").wants(t, 0) // stops alone are nothing wrong
	d.ctl("start", names["TERM"]).wants(t, 0)
	if s := d.status(names["TERM"]); s.State != "up" || len(s.Holds) > 0 {
		t.Errorf("after start it is %s, held by %v", s.State, s.Holds)
	}
	d.shoot(names["TERM"], syscall.SIGKILL) // from then on the next crash is repaired as ever
	d.waitStarts(names["TERM"], 3)
}

// Row 18: what the policies make of it.
func TestRow18_PoliciesOfAStop(t *testing.T) {
	t.Parallel()
	d := started(t, quick+
		service("always", "[service.always.restart]\npolicy = \"always\"\n", "-slow-stop", "1ms")+
		service("signal", "[service.signal.restart]\npolicy = \"always\"\n")+
		service("again", "[service.again.restart]\noperator_stop = \"restart\"\n")+
		service("never", "[service.never.restart]\npolicy = \"never\"\n"))
	d.up("always", "signal", "again", "never")
	d.shoot("always", syscall.SIGTERM) // exits 0
	d.shoot("signal", syscall.SIGTERM)
	d.shoot("again", syscall.SIGTERM)
	d.shoot("never", syscall.SIGKILL)
	d.waitStarts("always", 2)
	d.waitStarts("again", 2)
	d.waitHold("signal", "operator-stop")
	eventually(t, "never is given up", func() string {
		if s := d.status("never"); s.State == "up" {
			return strconv.Quote(s.State)
		}
		return ""
	})
	d.up("always", "again")
	d.unchanged("that was all", "always", "signal", "again", "never")
	if n := len(d.starts("never")); n != 1 {
		t.Errorf("never was started %d times", n)
	}
}

// Row 19: a crash is repaired at once.
func TestRow19_Crash(t *testing.T) {
	t.Parallel()
	signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS}
	text := quick + service("code", "", "-fail-if", "$DIR/broken")
	for _, s := range signals {
		text += service(fmt.Sprint("signal-", int(s)), "")
	}
	d := started(t, text)
	for _, s := range signals {
		name := fmt.Sprint("signal-", int(s))
		d.up(name)
		d.shoot(name, s)
		d.waitStarts(name, 2)
		d.waitState(name, "up")
		if st := d.status(name); len(st.Holds) > 0 || st.Restarts != 1 {
			t.Errorf("after %s: restarts %d, holds %v", s, st.Restarts, st.Holds)
		}
		if len(d.events(name, "service.crashed")) != 1 {
			t.Errorf("%s: the crash is not in the record", s)
		}
	}
	d.touch("broken")
	d.up("code")
	d.shoot("code", syscall.SIGKILL)
	eventually(t, "exit 1", func() string {
		if n := len(d.starts("code")); n < 4 {
			return fmt.Sprint(n, " starts")
		}
		return ""
	})
	d.untouch("broken")
	d.up("code")
}

// Row 22: who was stopped by hand stays down across restarts of supd and of the host, until somebody says start.
func TestRow22_StopByHandThenRestartAndReboot(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("term", "")+service("stop", "")+service("web", ""))
	d.up("term", "stop", "web")
	d.shoot("term", syscall.SIGTERM)
	d.waitHold("term", "operator-stop")
	d.ctl("stop", "stop").wants(t, 0)
	for i, again := range []func(){func() { d.stop(); d.start() }, func() { d.kill9(); d.start() }, d.reboot, d.reboot} {
		again()
		d.up("web")
		for _, name := range []string{"term", "stop"} {
			if s := d.status(name); s.State != "down" || !slices.Contains(s.holds(), "operator-stop") {
				t.Fatalf("restart %d: %s is %s, held by %v", i, name, s.State, s.holds())
			}
		}
	}
	d.unchanged("the stops hold", "term", "stop")
	d.waitStarts("term", 1)
	d.waitStarts("stop", 1)
	d.ctl("start", "term", "stop").wants(t, 0)
	d.waitStarts("term", 2)
	d.waitStarts("stop", 2)
}
