package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// healthy is a service that no fault of another one may disturb.
const healthy = "web"

// both is everything that a program said.
func (r result) both() string { return r.Out + r.Err }

// undisturbed judges at the end that the healthy service was started once and got no signal.
func (d *daemon) undisturbed() {
	d.t.Helper()
	if all := notes(d.t, d.path(healthy+".log")); len(all) != 1 || !alive(all[0].PID) {
		d.t.Fatalf("%s was disturbed: %v", healthy, all)
	}
}

// Whatever keeps one service from starting is said in words, by status and by the command that asked, and is no matter
// of the other services.
func TestFaultServiceThatCannotStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, table, cause string }{
		{"missing", `command = ["/nonexistent/program"]`, "/nonexistent/program: no such file or directory"},
		{"unexecutable", `command = ["$DIR/unexecutable.sh"]`, "/unexecutable.sh: not executable (chmod +x?)"},
		{"noprogram", `command = ["$DIR/text"]`, "not a program for this machine"},
		{"directory", `command = ["/usr"]`, "/usr:"},
		{"nointerpreter", `command = ["$DIR/nointerpreter.sh"]`, "/nonexistent/interpreter"},
		{"nodir", "command = [\"/bin/sleep\", \"1000\"]\ndir = \"/nonexistent\"", "working directory /nonexistent: no such file or directory"},
		{"nouser", "command = [\"/bin/sleep\", \"1000\"]\nuser = \"nobody-of-this-name\"", `user "nobody-of-this-name" does not exist`},
		{"nogroup", "command = [\"/bin/sleep\", \"1000\"]\ngroup = \"nobodies-of-this-name\"", `group "nobodies-of-this-name" does not exist`},
		{"noenv", "command = [\"/bin/sleep\", \"1000\"]\nenv_file = \"$DIR/no.env\"", "/no.env"},
		{"quick", `command = ["/bin/sh", "-c", "exit 3"]`, "exited with code 3"},
		{"killed", `command = ["/bin/sh", "-c", "kill -SEGV $$"]`, "SIGSEGV"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, quick+service(healthy, "")+"\n[service.bad]\nautostart = false\n"+c.table+"\n[service.bad.restart]\nlimit = \"2 in 10m\"\n")
			for file, mode := range map[string]os.FileMode{"unexecutable.sh": 0o644, "text": 0o755, "nointerpreter.sh": 0o755} {
				content := map[string]string{"text": "no program\n", "nointerpreter.sh": "#!/nonexistent/interpreter\n"}[file]
				if err := os.WriteFile(d.path(file), []byte(content), mode); err != nil {
					t.Fatal(err)
				}
			}
			d.start()
			d.up(healthy)
			d.ctl("start", "bad").wants(t, 1, c.cause)
			s := d.waitState("bad", "failed")
			if !strings.Contains(s.Detail, c.cause) || len(s.Holds) != 1 || s.Holds[0].Kind != "restart-limit" || !strings.Contains(s.Next, "supctl start bad") {
				t.Errorf("status says %q, holds %v, next %q; want the cause %q, the restart limit and supctl start", s.Detail, s.Holds, s.Next, c.cause)
			}
			d.ctl("status").wants(t, 1)
			d.undisturbed()
		})
	}
}

// A config with mistakes starts nothing and says all of them in the order of the file; the running supd keeps its own.
func TestFaultConfigWithMistakes(t *testing.T) {
	t.Parallel()
	const bad = `
[service.web]
command = ["/bin/sleep", "1000"]
depends_on = ["dbb"]
comand = "x"

[service."../../etc"]
command = ["/bin/true"]

[service."a/b"]
command = ["/bin/true"]

[service.slow]
command = "no list"
[service.slow.stop]
signal = "NOTHING"
timeout = "-3s"
`
	inOrder := func(t *testing.T, text string) {
		t.Helper()
		for _, words := range []string{
			`supd.toml:4: `, `"dbb"`, `supd.toml:5: `, `"comand"`, `"command"`, `supd.toml:7: `, `"../../etc"`, `supd.toml:10: `, `"a/b"`,
			`supd.toml:14: `, `supd.toml:16: `, `"NOTHING"`, `supd.toml:17: `,
		} {
			_, after, ok := strings.Cut(text, words)
			if !ok {
				t.Errorf("%s is not said, or not in order; left: %s", words, text)
				continue
			}
			text = after
		}
	}
	t.Run("before the start", func(t *testing.T) {
		t.Parallel()
		d := newDaemon(t, bad)
		d.begin()
		<-d.gone
		if code := d.cmd.ProcessState.ExitCode(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		inOrder(t, d.log())
		if _, err := os.Lstat(d.path("state")); !os.IsNotExist(err) {
			t.Errorf("a state directory was made for a config with mistakes (%v)", err)
		}
		inOrder(t, d.ctl("config", "check").wants(t, 1).both())
		r := personJob{Argv: []string{programs.supd, "--check", "--config", d.path("supd.toml")}, UID: os.Geteuid()}.run()
		inOrder(t, r.wants(t, 1).Err)
	})
	t.Run("at a reload", func(t *testing.T) {
		t.Parallel()
		d := started(t, quick+service(healthy, ""))
		d.up(healthy)
		d.config(bad)
		inOrder(t, d.ctl("reload").wants(t, 1).both())
		if p := d.problems(); !strings.Contains(p, "supd.toml:4") {
			t.Errorf("status does not say what is wrong with the config: %s", p)
		}
		d.ctl("stop", "slow").wants(t, 3)
		d.undisturbed()
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		d := newDaemon(t, "")
		if err := os.Remove(d.path("supd.toml")); err != nil {
			t.Fatal(err)
		}
		d.begin()
		<-d.gone
		if code := d.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(d.log(), "supd.toml\": no such file or directory") {
			t.Errorf("exit code %d, %s", code, d.log())
		}
	})
}

// A service that cannot be started stays one line among others while it backs off: the healthy one is repaired at once.
func TestFaultServiceThatCannotStartDelaysNobody(t *testing.T) {
	t.Parallel()
	text := quick + service(healthy, "")
	for _, n := range []string{"a", "b", "c"} {
		text += "\n[service." + n + "]\ncommand = [\"/nonexistent\"]\n"
	}
	d := started(t, text)
	d.up(healthy)
	before := d.shoot(healthy, syscall.SIGKILL)
	if all := d.waitStarts(healthy, 2); all[1].PID == before {
		t.Fatal("the same process twice")
	}
	for _, n := range []string{"a", "b", "c"} {
		if s := d.waitState(n, "backoff"); !strings.Contains(s.Detail, "/nonexistent: no such file") {
			t.Errorf("%s: %s", n, s.Detail)
		}
	}
}
