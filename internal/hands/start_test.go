package hands

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// What an instance gets, and nothing else.
func TestStart(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		s := r.spec(`env > o.new; ls /proc/self/fd | wc -l >> o.new; cat /proc/self/stat | cut -d' ' -f6 >> o.new; mv o.new o; read x; exec sleep 1000`)
		s.Notify = "/run/n"
		s.Env = append(s.Env, "SUPD_SERVICE=liar")
		p := r.start(t, s)
		lines := strings.Split(r.await(t, "o"), "\n")
		for _, want := range []string{"SUPD_SERVICE=db", "SUPD_GENERATION=1", "NOTIFY_SOCKET=/run/n", "PATH=/usr/bin:/bin"} {
			if !slices.Contains(lines, want) {
				t.Errorf("the environment lacks %s: %q", want, lines)
			}
		}
		// stdin, stdout (o), stderr and ls's own.
		if fds := lines[len(lines)-2]; fds != "4" {
			t.Errorf("%s descriptors are open", fds)
		}
		if session := lines[len(lines)-1]; session != strconv.Itoa(p.PID()) {
			t.Errorf("session %s, want its own, %d", session, p.PID())
		}
		n, err := r.Notes.Read(service)
		must(t, err)
		if n.Process != p.Identity() || n.Gen != 1 || (n.Cgroup != "") != (r.Cgroups != nil) || n.Notify != "/run/n" {
			t.Errorf("note %+v of %+v", n, p.Identity())
		}
		if r.Cgroups != nil && !r.Cgroups.Generation(service, 1).Contains(p.PID()) {
			t.Error("it is not in its cgroup")
		}
		if recs, bad := r.dir.Records(); len(recs)+len(bad) != 0 {
			t.Errorf("records are left: %v %v", recs, bad)
		}
	})
}

func TestNeverTwo(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec("exec sleep 1000"))
		var running *RunningError
		if err := r.startErr(r.spec("touch second")); !errors.As(err, &running) || running.PIDs[0] != p.PID() {
			t.Errorf("second start: %v", err)
		}
		if _, err := os.Stat(r.file("second")); err == nil {
			t.Error("a second instance ran")
		}
		must(t, p.Signal(unix.SIGKILL))
		ended(t, p)
		again := r.start(t, r.spec("exec sleep 1000"))
		if again.PID() == p.PID() || !again.Alive() {
			t.Error("it was not started again")
		}
		if r.Cgroups != nil {
			if gens, err := r.Cgroups.Generations(service); err != nil || !slices.Equal(gens, []uint64{3}) {
				t.Errorf("cgroups of dead generations are left: %v %v", gens, err)
			}
		}
	})
}

// A grandchild of the crashed instance is the service too: it goes before the next
// instance comes, under the same permit.
func TestNeverBesideLeftovers(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec("(setsid sleep 1000 &) ; exit 1"))
		ended(t, p)
		l, err := r.Look(service)
		if err != nil || !l.Main.IsZero() || len(l.Leftovers) != 1 || !l.DiedUnseen || l.Gen != 1 {
			t.Fatalf("%+v %v", l, err)
		}
		left := l.Leftovers[0]
		next := r.start(t, r.spec("exec sleep 1000"))
		if lives, err := left.Lives(); lives || err != nil {
			t.Errorf("%s lives beside the new instance: %v", left, err)
		}
		l, err = r.Look(service)
		if err != nil || l.Main != next.Identity() || len(l.Leftovers) != 0 || l.DiedUnseen {
			t.Errorf("%+v %v", l, err)
		}
	})
}

func TestLookAtADamagedNote(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		p := r.start(t, r.spec("exec sleep 1000"))
		must(t, os.WriteFile(r.Notes.Dir+"/db.json", []byte("garbage"), 0o600))
		if _, err := r.Look(service); err == nil {
			t.Error("a damaged note was taken for an answer")
		}
		if err := r.startErr(r.spec("touch second")); err == nil || !strings.Contains(err.Error(), "db.json") {
			t.Errorf("started in doubt: %v", err)
		}
		if !p.Alive() {
			t.Error("it was stopped")
		}
	})
}

func TestUngatedHandDoesNothing(t *testing.T) {
	r := newRig(t, true)
	var dead *lockfile.Permit
	must(t, r.do(lockfile.VerbStop, func(p *lockfile.Permit) error {
		dead = p
		if _, err := r.Start(p, r.spec("touch ran")); err == nil {
			t.Error("a permit to stop started")
		}
		if _, err := r.Run(p, service, lockfile.VerbStart, Script{Argv: []string{"touch", "ran"}}, false); err == nil {
			t.Error("a permit to stop ran a start program")
		}
		other := r.spec("touch ran")
		other.Service = "web"
		if _, err := r.Start(p, other); err == nil {
			t.Error("a permit for db started web")
		}
		return nil
	}))
	child := r.start(t, r.spec("exec sleep 1000"))
	for _, p := range []*lockfile.Permit{dead, nil} {
		if _, err := r.Start(p, r.spec("touch ran")); err == nil {
			t.Error("Start without a living permit")
		}
		if _, err := r.Stop(p, r.stopSpec(t, 0)); err == nil {
			t.Error("Stop without a living permit")
		}
		if err := r.Signal(p, service, child.Identity(), unix.SIGKILL); err == nil {
			t.Error("Signal without a living permit")
		}
		if _, err := r.Run(p, service, lockfile.VerbStop, Script{Argv: []string{"touch", "ran"}}, false); err == nil {
			t.Error("Run without a living permit")
		}
	}
	if _, err := os.Stat(r.file("ran")); err == nil || !child.Alive() {
		t.Error("something happened")
	}
}

func TestSignal(t *testing.T) {
	r := newRig(t, true)
	p := r.start(t, r.spec("trap 'echo got > usr1' USR1; echo > up; echo x > up; while :; do sleep 1000 & wait; done"))
	r.await(t, "up")
	wrong := p.Identity()
	wrong.StartTime++
	must(t, r.do(lockfile.VerbSignal, func(permit *lockfile.Permit) error {
		if err := r.Signal(permit, service, wrong, unix.SIGKILL); !errors.Is(err, proc.ErrNotSame) {
			t.Errorf("another process: %v", err)
		}
		return r.Signal(permit, service, p.Identity(), unix.SIGUSR1)
	}))
	r.await(t, "usr1")
	if !p.Alive() {
		t.Error("it is dead")
	}
}

func TestSpawnErrors(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		file := func(name, content string, mode os.FileMode) string {
			must(t, os.WriteFile(r.file(name), []byte(content), mode))
			return r.file(name)
		}
		nobody := &proc.User{Name: "nobody", UID: 65534, GID: 65534}
		must(t, os.Mkdir(r.file("private"), 0o700))
		for _, c := range []struct {
			name   string
			change func(*Spec)
			want   string
			asRoot bool
		}{
			{"no command", func(s *Spec) { s.Argv = nil }, "no command given", false},
			{"missing", func(s *Spec) { s.Argv[0] = "/usr/bin/no-web" }, "/usr/bin/no-web: no such file or directory", false},
			{"missing, relative", func(s *Spec) { s.Argv[0] = "bin/no-web" }, r.file("bin/no-web") + ": no such file or directory", false},
			{"not in PATH", func(s *Spec) { s.Argv[0] = "no-web" }, "no-web: executable file not found in $PATH", false},
			{"not executable", func(s *Spec) { s.Argv[0] = file("plain", "#!/bin/sh\n", 0o644) }, r.file("plain") + ": not executable (chmod +x?)", false},
			{"directory", func(s *Spec) { s.Argv[0] = "/usr" }, "/usr: is a directory", false},
			{"garbage", func(s *Spec) { s.Argv[0] = file("garbage", "\x00\x01garbage", 0o755) }, r.file("garbage") + ": not a program for this machine, and no #! line", false},
			{"interpreter", func(s *Spec) { s.Argv[0] = file("script", "#!/no/such/python -u\n", 0o755) }, r.file("script") + ": its interpreter /no/such/python does not exist", false},
			{"no directory", func(s *Spec) { s.Dir = "/no/such" }, "working directory /no/such: no such file or directory", false},
			{"directory is a file", func(s *Spec) { s.Dir = "/etc/passwd" }, "working directory /etc/passwd: not a directory", false},
			{"forbidden program", func(s *Spec) { s.User = nobody; s.Argv[0] = file("secret", "#!/bin/sh\n", 0o700) }, r.file("secret") + `: user "nobody" may not execute it`, true},
			{"closed directory", func(s *Spec) { s.User = nobody; s.Dir = r.file("private/") }, "working directory " + r.file("private/") + `: user "nobody" may not enter ` + r.file("private"), true},
			{"program in a closed directory", func(s *Spec) { s.User = nobody; s.Argv[0] = file("private/p", "#!/bin/sh\n", 0o755) }, r.file("private/p") + `: user "nobody" may not enter ` + r.file("private"), true},
			{"log through a link", func(s *Spec) {
				must(t, os.Symlink("/etc/passwd", r.file("log")))
				s.Output = Output{Mode: "file", File: r.file("log")}
			}, "cannot open its log: open " + r.file("log") + ": too many levels of symbolic links", false},
			{"no journal", func(s *Spec) { r.Journal = r.file("no-journal"); s.Output.Mode = "journal" }, "cannot reach the journal: dial unix " + r.file("no-journal") + ": connect: no such file or directory", false},
			{"unknown output", func(s *Spec) { s.Output.Mode = "tape" }, `output mode "tape" is unknown`, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				if c.asRoot && os.Getuid() != 0 {
					t.Skip("not root: cannot become another user")
				}
				s := r.spec("touch ran")
				c.change(&s)
				err := r.startErr(s)
				var spawn *SpawnError
				if !errors.As(err, &spawn) || err.Error() != `cannot start "db": `+c.want {
					t.Errorf("got  %v\nwant cannot start \"db\": %s", err, c.want)
				}
			})
		}
		if r.Table.Len() != 0 {
			t.Errorf("%d processes are left", r.Table.Len())
		}
		if _, err := r.Notes.Read(service); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a note is left: %v", err)
		}
		if r.Cgroups != nil {
			if gens, _ := r.Cgroups.Generations(service); len(gens) != 0 {
				t.Errorf("cgroups are left: %v", gens)
			}
		}
	})
}

func TestStartAsUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: cannot become another user")
	}
	bothWays(t, func(t *testing.T, r *rig) {
		must(t, os.Mkdir(r.file("out"), 0o777))
		must(t, os.Chmod(r.file("out"), 0o777))
		s := r.spec("{ id -u; id -g; grep ^Groups /proc/self/status; } > out/o.new; mv out/o.new out/o; read x")
		s.User = &proc.User{Name: "x", UID: 4321, GID: 5432, Groups: []uint32{7, 8}}
		r.start(t, s)
		if got := strings.Fields(r.await(t, "out/o")); !slices.Equal(got, []string{"4321", "5432", "Groups:", "7", "8"}) {
			t.Errorf("%q", got)
		}
	})
}

// What cannot be set from outside is set by the child itself before the exec.
func TestStartWithLimits(t *testing.T) {
	bothWays(t, func(t *testing.T, r *rig) {
		s := r.spec("{ umask; ulimit -Sn; ulimit -Hn; nice; cat /proc/self/oom_score_adj; } > o.new; mv o.new o; read x")
		umask, nice, oom := uint32(0o077), 5, 123
		s.Umask, s.Nice, s.OOM = &umask, &nice, &oom
		s.Rlimits = []proc.Rlimit{{Key: "limits.nofile", Resource: unix.RLIMIT_NOFILE, Soft: 100, Hard: 200}}
		r.start(t, s)
		if got := strings.Fields(r.await(t, "o")); !slices.Equal(got, []string{"0077", "100", "200", "5", "123"}) {
			t.Errorf("%q", got)
		}
	})
}

// modeDispositions is a supd that somebody started with odd limits, protection and
// signals.
func modeDispositions(r *rig) error {
	var p *proc.Process
	err := r.do(lockfile.VerbStart, func(permit *lockfile.Permit) (err error) {
		p, err = r.Start(permit, r.spec("{ ulimit -Sn; cat /proc/self/oom_score_adj; cat /proc/self/status; } > o.new; mv o.new o"))
		return
	})
	if err != nil {
		return err
	}
	<-p.Done()
	return nil
}

func TestSupdsOwnLimitsStayItsOwn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: cannot lower oom_score_adj")
	}
	bothWays(t, func(t *testing.T, r *rig) {
		_, out := r.another(t, "dispositions", "/bin/sh", "-c", `ulimit -Sn 777; echo -500 2>/dev/null > /proc/self/oom_score_adj; trap "" TSTP USR1 HUP INT; exec env --block-signal=USR2,TERM "$0"`)
		if b, err := io.ReadAll(out); err != nil || len(b) > 0 {
			t.Fatalf("%s %v", b, err)
		}
		got := strings.Split(r.await(t, "o"), "\n")
		if got[0] != "777" {
			t.Errorf("descriptor limit %s", got[0])
		}
		// Without CAP_SYS_RESOURCE the shell could not protect itself, and this shows
		// less.
		if got[1] != "0" {
			t.Errorf("oom_score_adj %s", got[1])
		}
		for _, want := range []string{"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "SigCgt:\t0000000000000000"} {
			if !slices.Contains(got, want) {
				t.Errorf("the signals are not the default: %q lacks %s", got, want)
			}
		}
	})
}

func TestNoMoreProcesses(t *testing.T) {
	err := spawnError(&Spec{Service: "web", User: &proc.User{Name: "www"}}, "/bin/sh", fmt.Errorf("fork: %w", unix.EAGAIN))
	if s := err.Error(); !strings.HasPrefix(s, `cannot start "web": no more processes: `) || !strings.Contains(s, "pid") {
		t.Errorf("%s", s)
	}
	err = spawnError(&Spec{Service: "web"}, "/bin/sh", unix.EMFILE)
	if s := err.Error(); s != `cannot start "web": supd has no free file descriptors: raise LimitNOFILE of supd` {
		t.Errorf("%s", s)
	}
}
