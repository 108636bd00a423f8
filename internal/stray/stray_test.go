package stray

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/supd/supd/internal/await"
	"github.com/supd/supd/internal/proc"
)

var env = []string{"PATH=" + os.Getenv("PATH")}

// run starts a real process and waits until it is loaded.
func run(t *testing.T, dir string, argv ...string) Program {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var p Program
	await.Eventually(t, "it is loaded", func() (ok bool) {
		p, ok = Read(cmd.Process.Pid)
		return ok && ExeOf(cmd.Process.Pid) != ExeOf(os.Getpid())
	})
	return p
}

// install makes a program of its own out of one that waits.
func install(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func want(t *testing.T, dir string, argv ...string) Want {
	t.Helper()
	w, ok := Of("db", argv, dir, env)
	if !ok {
		t.Fatalf("cannot find the program of %q", argv)
	}
	return w
}

func TestLike(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	db, same := install(t, dir, "db"), install(t, other, "db")
	if err := os.Symlink(db, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want []string
		runs []string
		like Likeness
	}{
		{"the same command", []string{db, "1000"}, []string{db, "1000"}, Same},
		{"through a link", []string{dir + "/link", "1000"}, []string{db, "1000"}, Same},
		{"relatively", []string{db, "1000"}, []string{"./db", "1000"}, Same},
		{"something more", []string{db, "1000"}, []string{db, "1000", "1s"}, Alike},
		{"another port", []string{db, "1000"}, []string{db, "1001"}, Other},
		{"another file of that name", []string{db, "1000"}, []string{same, "1000"}, Other},
		{"a program of its own without arguments", []string{db}, []string{db, "1000"}, Alike},
		{"everybody's program", []string{"sleep"}, []string{"sleep", "1000"}, Other},
		{"everybody's program, as the service has it", []string{"sleep", "1000"}, []string{"/bin/sleep", "1000"}, Same},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, p := want(t, dir, c.want...), run(t, dir, c.runs...)
			if got := w.Like(&p); got != c.like {
				t.Errorf("%q runs, wanted is %q: %d, want %d", c.runs, c.want, got, c.like)
			}
		})
	}
}

func TestLikeOfAScript(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "web.sh")
	if err := os.WriteFile(script, []byte("#!/usr/bin/env sh\nread x\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	// Standard input that never ends keeps them in read.
	start := func(argv ...string) Program {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = dir
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		var p Program
		await.Eventually(t, "sh runs", func() (ok bool) {
			p, ok = Read(cmd.Process.Pid)
			return ok && filepath.Base(p.Argv[0]) == "sh"
		})
		return p
	}
	w := want(t, dir, script, "--port", "80")
	for _, c := range []struct {
		runs []string
		like Likeness
	}{
		{[]string{script, "--port", "80"}, Same},
		{[]string{"./web.sh", "--port", "80"}, Same},
		{[]string{"sh", "web.sh", "--port", "80"}, Same},
		{[]string{"sh", script, "--port", "80", "-v"}, Alike},
		{[]string{"sh", script, "--port", "81"}, Other},
		{[]string{"sh", "-c", "read x; " + script}, Other},
	} {
		p := start(c.runs...)
		if got := w.Like(&p); got != c.like {
			t.Errorf("%q: %d, want %d", c.runs, got, c.like)
		}
	}
}

// A package upgrade under the lock takes the file away from under what runs.
func TestLikeOfAReplacedFile(t *testing.T) {
	dir := t.TempDir()
	db := install(t, dir, "db")
	p := run(t, dir, db, "1000")
	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}
	install(t, dir, "db")
	w := want(t, dir, db, "1000")
	if p, ok := Read(p.PID); !ok || w.Like(&p) != Same {
		t.Errorf("%+v is not recognised", p)
	}
}

// What a wrapper became is known from when it ran as the service.
func TestRan(t *testing.T) {
	dir := t.TempDir()
	db := install(t, dir, "db")
	p := run(t, dir, "sh", "-c", "exec "+db+" 1000")
	pid := p.PID // in the middle of an exec there is nothing to read
	await.Eventually(t, "the shell has become it", func() (ok bool) {
		p, ok = Read(pid)
		return ok && p.Exe == db
	})
	w := Ran("db", p)
	p = run(t, dir, db, "1000")
	if got := w.Like(&p); got != Same {
		t.Errorf("%+v: %d", w, got)
	}
}

func TestTitle(t *testing.T) {
	dir := t.TempDir()
	db := install(t, dir, "db")
	p := run(t, dir, db, "1000")
	p.Argv = []string{"db: master process " + db + " -g daemon off;"}
	w := want(t, dir, db, "-g", "daemon off;")
	if got := w.Like(&p); got != Alike {
		t.Errorf("%d", got)
	}
}

func TestOfWhatIsNotThere(t *testing.T) {
	if w, ok := Of("db", []string{"/no/such/program"}, "/", env); ok {
		t.Errorf("found %+v", w)
	}
	if _, ok := Of("db", nil, "/", env); ok {
		t.Error("found nothing's program")
	}
	if ExeOf(1<<22+1) != "" {
		t.Error("a process that is not has a program")
	}
	if _, err := proc.FindProgram("sleep", env); err != nil {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	got := Addresses([]string{"tcp:localhost:80", "unix:/run/x", "tcp:db.example.org:5432"})
	var texts []string
	for _, a := range got {
		texts = append(texts, a.String())
	}
	if len(texts) != 3 || texts[0] != "tcp:127.0.0.1:80" || texts[1] != "tcp:[::1]:80" || texts[2] != "unix:/run/x" {
		t.Errorf("%q", texts)
	}
}

func TestCommon(t *testing.T) {
	dir := t.TempDir()
	db := install(t, dir, "db")
	for _, c := range []struct {
		argv   []string
		common bool
	}{
		{[]string{"sleep", "1000"}, true}, {[]string{"sleep", "/etc/x"}, false}, {[]string{db}, false},
	} {
		if w := want(t, dir, c.argv...); w.Common != c.common {
			t.Errorf("%q: %v", c.argv, w.Common)
		}
	}
}
