package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// Whatever stands in an env_file's place, the start fails at once and says what is wrong, without a word of the content;
// mended, the next start takes it. Other services do not notice.
func TestFaultEnvFile(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, bad := range []struct {
		name  string
		make  func(path string) error
		wants []string
	}{
		{"missing", func(string) error { return nil }, []string{"cannot read env_file", "no such file or directory"}},
		{"directory", func(p string) error { return os.Mkdir(p, 0o755) }, []string{"cannot read env_file", "it is no file of at most 1048576 bytes"}},
		{"pipe", func(p string) error { return syscall.Mkfifo(p, 0o644) }, []string{"cannot read env_file", "it is no file of at most 1048576 bytes"}},
		{"device", func(p string) error { return os.Symlink("/dev/zero", p) }, []string{"cannot read env_file", "it is no file of at most 1048576 bytes"}},
		{"sparse", func(p string) error {
			if err := os.WriteFile(p, []byte("A="+secret+"\n"), 0o644); err != nil {
				return err
			}
			return os.Truncate(p, 1<<30)
		}, []string{"cannot read env_file", "it is no file of at most 1048576 bytes"}},
		{"binary", func(p string) error {
			return os.WriteFile(p, []byte("A=1\n\x7fELF\x02\x00"+secret+"\xff\xfe\n"), 0o644)
		}, []string{"cannot read env_file", "env:2: the line is not NAME=VALUE"}},
		{"unreadable", func(p string) error { return os.WriteFile(p, []byte("A="+secret+"\n"), 0) }, []string{"cannot read env_file", "permission denied"}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			d := newDaemon(t, quick+service("db", "")+service("web", "autostart = false\nenv_file = \"$DIR/env\"\n"))
			d.ordinary() // root reads everything
			if err := bad.make(d.path("env")); err != nil {
				t.Fatal(err)
			}
			d.start()
			db := d.up("db")[0]
			before := rss(t, d.cmd.Process.Pid)
			r := d.ctl("start", "web").wants(t, 1, bad.wants...)
			if strings.Contains(r.both()+d.log(), secret) {
				t.Errorf("the content is shown: %s", r.both())
			}
			if grown := rss(t, d.cmd.Process.Pid) - before; grown > 32<<20 {
				t.Errorf("supd has grown by %d MB", grown>>20)
			}
			if err := os.RemoveAll(d.path("env")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(d.path("env"), []byte("A=1\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			d.ctl("start", "web").wants(t, 0)
			if got := d.up("db")[0]; got != db {
				t.Errorf("db has pid %d, want %d", got, db)
			}
		})
	}
}

// A limit above what an ordinary user may have is a failed start that says whose limit it is, and no program runs.
func TestFaultLimitAboveTheHardOne(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, quick+service("web", "autostart = false\nlimits = { nofile = 2000 }\n"))
	d.ordinary()
	d.wrap = append(d.wrap, "prlimit", "--nofile=1000:1000")
	d.start()
	d.ctl("start", "web").wants(t, 1, "cannot start \"web\": cannot set limits.nofile = 2000: operation not permitted",
		"the hard limit that supd was started with is 1000: raise that of supd, or run supd as root")
	if n := len(d.noted("web", "start")); n != 0 {
		t.Errorf("the program was started %d times", n)
	}
}
