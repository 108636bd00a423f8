package e2e

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// guarding is a guard whose command runs until the test says so.
type guarding struct {
	d   *daemon
	cmd *exec.Cmd
}

// guard begins `supctl guard SERVICE`; its command has begun when it returns.
func (d *daemon) guard(service string) *guarding {
	d.t.Helper()
	g := &guarding{d, exec.Command(programs.supctl, d.argv([]string{"guard", service, "--", "sh", "-c",
		"touch " + d.path("guarded") + "; while [ ! -e " + d.path("enough") + " ]; do sleep 0.05; done; touch " + d.path("ended") + "; exit 3"})[1:]...)}
	if err := g.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.waitFile("guarded")
	return g
}

// ends lets the command end, and checks that guard's exit code is the command's.
func (g *guarding) ends() {
	g.d.t.Helper()
	g.d.touch("enough")
	if g.cmd.Wait(); g.cmd.ProcessState.ExitCode() != 3 {
		g.d.t.Errorf("guard: %s, want the command's 3", g.cmd.ProcessState)
	}
}

// A service that crashes while a guarded command runs is repaired after it, and not before.
func TestGuardedCrashIsRepairedAfterwards(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", ""))
	d.up("db", "web")
	g := d.guard("db")
	d.shoot("db", syscall.SIGKILL)
	d.shoot("web", syscall.SIGKILL)
	d.waitStarts("web", 2) // what is not guarded does not wait
	d.unchanged("the command has not ended", "db")
	d.ctl("explain", "db").wants(t, 0, "supctl guard by")
	g.ends()
	d.waitStarts("db", 2)
	d.up("db")
	if n := len(d.events("db", "action.interrupted")); n != 0 {
		t.Errorf("%d interrupted", n)
	}
}

// A colleague's restart waits for the command, and says for which.
func TestGuardedServiceIsBusyForAColleague(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	g := d.guard("db")
	end := d.ctlAsync("restart", "db")
	d.unchanged("the colleague waits", "db")
	g.ends()
	d.finish(end).wants(t, 0, "waiting for", "supctl guard by", "touch "+d.path("guarded"))
	d.waitStarts("db", 2)
}

// A colleague who waits only so long is told what is in the way, and that it was not done; it is not done afterwards either.
func TestGuardedServiceIsBusyForTooLong(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	g := d.guard("db")
	d.ctl("restart", "db", "--timeout", "300ms").wants(t, 1, "it has not begun, and is not done any more", "supctl guard by", "touch "+d.path("guarded"))
	d.ctl("stop", "db", "--timeout", "300ms").wants(t, 1, "it has not begun, and is not done any more", "supctl guard by")
	g.ends()
	d.unchanged("nobody waits for the restart", "db")
	d.ctl("restart", "db").wants(t, 0)
	d.waitStarts("db", 2)
}

// Guard dies, its command lives on: that is in flight as before. What is said afterwards is what happened.
func TestGuardThatIsKilledIsSaidTruly(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	g := d.guard("db")
	g.cmd.Process.Kill()
	g.cmd.Wait()
	d.shoot("db", syscall.SIGKILL)
	d.unchanged("the command lives on", "db")
	d.touch("enough")
	d.waitFile("ended")
	d.waitStarts("db", 2)
	events := d.events("db", "action.interrupted")
	if len(events) != 1 || !strings.Contains(events[0].Text, "supctl guard") || !strings.Contains(events[0].Text, "did not live to see the end of its command") ||
		!strings.Contains(events[0].Text, "touch "+d.path("guarded")) || strings.Contains(events[0].Text, "exec of") {
		t.Errorf("on record: %+v", events)
	}
}

// The same where no supd runs, told to who takes a lock afterwards.
func TestGuardThatIsKilledIsSaidTrulyWithoutSupd(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.kill9()
	g := d.guard("db")
	g.cmd.Process.Kill()
	g.cmd.Wait()
	d.ctl("maintenance", "start", "db", "--wait", "200ms").wants(t, 6, "supctl guard by", "guarded")
	d.ctl("maintenance", "end", "db", "--force", "--wait", "200ms").wants(t, 6)
	d.touch("enough")
	d.waitFile("ended")
	var r result
	eventually(t, "the command is over", func() string {
		if r = d.ctl("maintenance", "start", "db"); r.Code != 0 {
			return r.both()
		}
		return ""
	})
	r.wants(t, 0, "supctl guard", "did not live to see the end of its command")
	r.quiet(t, "supd's death")
}

// A guard that a lock refuses is an action that was suppressed: it is on record, with the command.
func TestGuardThatALockRefusesIsOnRecord(t *testing.T) {
	needsRoot(t)
	t.Parallel()
	d := started(t, quick+"[group.site]\nservices = [\"db\", \"web\"]\n"+service("db", "")+service("web", ""))
	d.up("db", "web")
	ann, ben := d.login(4001001, 0), d.login(4001002, 0)
	ann.ctl("maintenance", "start", "db", "-m", "disk").wants(t, 0)
	ben.ctl("guard", "@site", "--", "touch", d.path("ran")).wants(t, 125, "locked by uid 4001001", "disk", "the command was not run")
	if _, err := os.Stat(d.path("ran")); err == nil {
		t.Fatal("it was run")
	}
	events := d.events("db", "action.suppressed")
	if len(events) != 1 {
		t.Fatalf("on record: %+v", events)
	}
	for _, w := range []string{"supctl guard", "uid 4001002", "touch " + d.path("ran"), "uid 4001001"} {
		if !strings.Contains(events[0].Text, w) {
			t.Errorf("the event does not say %q: %+v", w, events[0])
		}
	}
	if events[0].Fields["verb"] != "exec" {
		t.Errorf("%+v", events[0].Fields)
	}
	// One that waits and then passes was not refused.
	end := d.ctlAsync("guard", "db", "--wait", "1m", "--", "true")
	d.unchanged("ann holds it", "db")
	ann.ctl("maintenance", "end", "db").wants(t, 0)
	d.finish(end).wants(t, 0)
	if n := len(d.events("db", "action.suppressed")); n != 1 {
		t.Errorf("%d events", n)
	}
}

// Exit codes and signals pass through with a supd beside it, with a hung one and with none.
func TestGuardPassesCodesAndSignals(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	for _, how := range []struct {
		name string
		do   func()
	}{{"running", func() {}}, {"hung", d.freeze}, {"dead", d.kill9}} {
		how.do()
		d.ctl("guard", "db", "--", "sh", "-c", "exit 42").wants(t, 42)
		d.ctl("guard", "db", "--", "sh", "-c", "kill -9 $$").wants(t, 137)
		d.ctl("guard", "db", "--", "/no/such/program").wants(t, 127)
		d.ctl("guard", "db", "--", "/etc/passwd").wants(t, 126)
		trapped := "trapped-" + how.name
		cmd := exec.Command(programs.supctl, d.argv([]string{"guard", "db", "--", "sh", "-c",
			"trap 'exit 9' TERM; touch " + d.path(trapped) + "; while :; do sleep 0.05; done"})[1:]...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		d.waitFile(trapped)
		cmd.Process.Signal(syscall.SIGTERM)
		if cmd.Wait(); cmd.ProcessState.ExitCode() != 9 {
			t.Errorf("%s: SIGTERM: %s", how.name, cmd.ProcessState)
		}
	}
}
