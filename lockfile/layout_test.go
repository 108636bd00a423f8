package lockfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestInit(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(path string) error
		first   bool
		want    string // part of the error; "" for success
	}{
		"missing, first start":     {func(string) error { return nil }, true, ""},
		"missing":                  {func(string) error { return nil }, false, "no marker"},
		"empty, first start":       {func(p string) error { return os.Mkdir(p, 0o755) }, true, ""},
		"empty, perhaps unmounted": {func(p string) error { return os.Mkdir(p, 0o755) }, false, "mounted?"},
		"cut short, first start":   {func(p string) error { return os.MkdirAll(p+"/locks/service", 0o755) }, true, ""},
		"somebody's files":         {func(p string) error { return os.MkdirAll(p+"/photos", 0o755) }, true, "not empty"},
		"there already":            {func(p string) error { return Init(p, true) }, false, ""},
		"marker lost": {func(p string) error {
			return errors.Join(Init(p, true), os.Remove(p+"/format"), os.WriteFile(p+"/locks/host/all/x1.toml", nil, 0o644))
		}, true, "put the marker back"},
		"symbolic link":      {func(p string) error { return errors.Join(os.Mkdir(p+"2", 0o755), os.Symlink(p+"2", p)) }, true, "symbolic link"},
		"a file":             {func(p string) error { return os.WriteFile(p, nil, 0o644) }, true, ""},
		"writable by others": {func(p string) error { return errors.Join(os.Mkdir(p, 0o755), os.Chmod(p, 0o777)) }, true, "others may write"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(quickDir(t), "a", "state")
			if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := c.prepare(path); err != nil {
				t.Fatal(err)
			}
			err := Init(path, c.first)
			if name == "a file" {
				if err == nil {
					t.Error("a file is no directory")
				}
				return
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if c.want != "" {
				return
			}
			d, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if c := d.Cover("db"); !c.Clean() {
				t.Errorf("not clean: %+v", c)
			}
		})
	}
}

func TestInitKilledAnywhereIsAFirstStartAgain(t *testing.T) {
	whole := filepath.Join(quickDir(t), "state")
	if err := Init(whole, true); err != nil {
		t.Fatal(err)
	}
	for i := range layout { // the marker comes last: whatever prefix was made, it is not there
		path := filepath.Join(quickDir(t), "state")
		os.Mkdir(path, 0o755)
		for _, e := range layout[:i] {
			if err := os.Mkdir(filepath.Join(path, e.dir), os.FileMode(e.mode)); err != nil {
				t.Fatal(err)
			}
		}
		if err := Init(path, true); err != nil {
			t.Errorf("after %d directories: %v", i, err)
		}
	}
}

func TestForeignStateDirIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a directory away; euid is not 0")
	}
	d := newDir(t, Plan{})
	if err := os.Chown(d.path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	var bad *DirError
	if _, err := Open(d.path, Options{}); !errors.As(err, &bad) || !strings.Contains(err.Error(), "12345") {
		t.Errorf("got %v", err)
	}
}

func TestUmaskDoesNotHideLocks(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	d := newDir(t, planOf(map[string][]string{"g": {"db"}}, "db"))
	l := lockOf(t, d, ann(), "@g")[0]
	for path, want := range map[string]os.FileMode{d.path: 0o755, d.path + "/plan.toml": 0o644, d.recordPath("db"): 0o644, d.lockDir(l.Target): 0o755, d.lockFile(l.Target, l.ID): 0o644} {
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", path, st.Mode(), err, want)
		}
	}
}

func TestSecondDaemon(t *testing.T) {
	d := newDir(t, Plan{})
	first, err := d.LockDaemon(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	other, _ := Open(d.path, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := other.LockDaemon(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second daemon, impatient: %v", err)
	}
	if pid := daemonPID(d.path + "/supd.lock"); pid != os.Getpid() {
		t.Errorf("the file names pid %d", pid)
	}
	var second *SecondDaemonError
	if _, err := other.LockDaemon(context.Background()); !errors.As(err, &second) || second.PID != os.Getpid() {
		t.Errorf("a second daemon: %v", err)
	}
	got := make(chan error)
	go func() { _, err := other.LockDaemon(context.Background()); got <- err }()
	first.File().Close() // the first dies; whoever waits for it gets it
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestDaemonLockSurvivesAnUpgradeInPlace(t *testing.T) {
	d := newDir(t, Plan{})
	first, err := d.LockDaemon(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(first.File().Fd())) // what exec does to a descriptor without close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.AdoptDaemonLock(os.NewFile(uintptr(fd), "supd.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if flags, _ := unix.FcntlInt(again.File().Fd(), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
		t.Error("services would inherit it")
	}
}

func TestRecover(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	l := lockOf(t, d, ann(), "db")[0]
	text, err := os.ReadFile(d.lockFile(l.Target, l.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
		t.Fatal(err)
	}
	ghost := d.lockFile(l.Target, l.ID)
	dead := d.path + "/tmp/t.1.1." + bootID() + ".abcd"
	otherBoot := d.path + "/tmp/t." + strings.Join(strings.Split(filepath.Base(d.tempName()), ".")[1:3], ".") + ".another-boot.abcd"
	living := d.tempName()
	for _, p := range []string{ghost, dead, otherBoot, living} {
		if err := os.WriteFile(p, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if c := d.Cover("db"); !c.Clean() {
		t.Errorf("an ended id holds: %+v", c)
	}
	if _, err := d.Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]bool{ghost: false, dead: false, otherBoot: false, living: true, d.endedPath(l.ID): true} {
		if there, _ := d.disk.exists(p); there != want {
			t.Errorf("%s is there: %v, want %v", p, there, want)
		}
	}
}

func TestRecoverFindsALivingHelper(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	script := sleeper(t)
	daemon := start(t, job{Mode: "act", Path: d.path, Service: "db", Verb: VerbStop, As: "script", PID: script.pid()})
	daemon.expect("acting")
	rec, err := d.Recover(context.Background())
	if err != nil || len(rec.Alive) != 1 || len(rec.Interrupted) != 0 {
		t.Errorf("in its action: %+v, %v", rec, err)
	}
	daemon.kill()
	if rec, err = d.Recover(context.Background()); err != nil || len(rec.Alive) != 1 || len(rec.Interrupted) != 0 {
		t.Errorf("daemon dead, script alive: %+v, %v", rec, err)
	}
	script.kill()
	if rec, err = d.Recover(context.Background()); err != nil || len(rec.Alive) != 0 || len(rec.Interrupted) != 1 {
		t.Errorf("both dead: %+v, %v", rec, err)
	}
}

func TestRecordOfAnotherBootIsDead(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	me := selfProc()
	r := Record{Format: 1, Service: "db", Verb: VerbStop, Phase: PhaseBegun, BootID: "another-boot", Shim: me, Target: me, TermSent: true}
	if err := os.WriteFile(d.recordPath("db"), encodeRecord(nil, &r), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := d.Lock(context.Background(), lockReq(ann(), time.Second, "db"))
	if err != nil || len(res.Interrupted) != 1 {
		t.Errorf("%+v, %v", res.Interrupted, err)
	}
}

func TestAlive(t *testing.T) {
	d := newDir(t, Plan{})
	me, gone := selfProc(), Proc{PID: 1 << 22, Start: 1}
	recycled := Proc{me.PID, me.Start + 1}
	zombie := start(t, job{Mode: "sleep"})
	zombie.expect("up")
	z := Proc{PID: zombie.pid()}
	st, _ := procStat(z.PID)
	z.Start = st.start
	zombie.cmd.Process.Kill()
	waitExit(context.Background(), z) // dead, not reaped
	for name, c := range map[string]struct {
		r    Record
		want bool
	}{
		"nothing":             {Record{}, false},
		"maker alone":         {Record{Maker: me}, false},
		"shim":                {Record{Shim: me}, true},
		"script":              {Record{Script: me}, true},
		"target, no signal":   {Record{Target: me}, false},
		"target, TERM sent":   {Record{Target: me, TermSent: true}, true},
		"target gone":         {Record{Target: gone, TermSent: true}, false},
		"pid of another":      {Record{Shim: recycled}, false},
		"zombie":              {Record{Shim: z}, false},
		"done":                {Record{Shim: me, Phase: PhaseDone}, false},
		"job, nobody to ask":  {Record{UnitJob: "17"}, true},
		"job, nobody, script": {Record{UnitJob: "", Script: gone}, false},
	} {
		c.r.BootID = bootID()
		if got := d.alive(&c.r); got != c.want {
			t.Errorf("%s: alive %v, want %v", name, got, c.want)
		}
	}
	d.opts.JobListed = func(job string) bool { return job == "17" }
	for job, want := range map[string]bool{"17": true, "18": false} {
		if d.alive(&Record{BootID: bootID(), UnitJob: job}) != want {
			t.Errorf("job %s", job)
		}
	}
}
