package where

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// world is a private file system corner with a system run directory, an XDG
// directory and a temporary directory in it.
type world struct {
	Search
	root string
	env  map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{root: t.TempDir(), env: map[string]string{}}
	t.Setenv("TMPDIR", filepath.Join(w.root, "tmp"))
	for _, d := range []string{"run/supd", "xdg", "tmp"} {
		if err := os.MkdirAll(filepath.Join(w.root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.Search = Search{Env: func(k string) string { return w.env[k] }, UID: os.Getuid(), System: filepath.Join(w.root, "run/supd")}
	return w
}

// put makes a file, and its directory with mode 0700.
func (w *world) put(t *testing.T, path string) {
	t.Helper()
	path = filepath.Join(w.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) tmpDir() string { return filepath.Base(UserRunDirs(w.Env, w.UID)[0]) }

func TestFindOrder(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string // "TMP" stands for the per-user directory below tmp
		flag  string
		env   string
		want  string // below root; "/…" is absolute
	}{
		{name: "flag first", files: []string{"run/supd/supd.sock"}, flag: "/a.sock", env: "/b.sock", want: "/a.sock"},
		{name: "environment before files", files: []string{"run/supd/supd.sock"}, env: "/b.sock", want: "/b.sock"},
		{name: "system's if it is there", files: []string{"run/supd/supd.sock", "xdg/supd/supd.sock", "tmp/TMP/supd.sock"}, want: "run/supd/supd.sock"},
		{name: "then XDG's", files: []string{"xdg/supd/supd.sock", "tmp/TMP/supd.sock"}, want: "xdg/supd/supd.sock"},
		{name: "then the temporary directory's", files: []string{"tmp/TMP/supd.sock"}, want: "tmp/TMP/supd.sock"},
		{name: "a socket before a daemon that has gone", files: []string{"run/supd/state-dir", "tmp/TMP/supd.sock"}, want: "tmp/TMP/supd.sock"},
		{name: "a daemon that has gone", files: []string{"tmp/TMP/state-dir"}, want: "tmp/TMP/supd.sock"},
		{name: "nothing anywhere", want: "run/supd/supd.sock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			tmp := w.tmpDir()
			w.env["XDG_RUNTIME_DIR"] = filepath.Join(w.root, "xdg")
			w.env["SUPD_SOCKET"] = c.env
			w.Flag = c.flag
			for _, f := range c.files {
				w.put(t, strings.Replace(f, "TMP", tmp, 1))
			}
			got, err := w.Find()
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(c.want, "TMP", tmp, 1)
			if !filepath.IsAbs(want) {
				want = filepath.Join(w.root, want)
			}
			if got.Socket != want {
				t.Errorf("found %s, want %s", got.Socket, want)
			}
			if got.Said != (c.flag != "" || c.env != "") {
				t.Errorf("said = %v", got.Said)
			}
		})
	}
}

func TestFindPassesOverForeignDirectories(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"writable by others": func(t *testing.T, dir string) {
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		},
		"a symbolic link": func(t *testing.T, dir string) {
			if err := errors.Join(os.Rename(dir, dir+".real"), os.Symlink(dir+".real", dir)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			dir := filepath.Join("tmp", w.tmpDir())
			w.put(t, filepath.Join(dir, "supd.sock"))
			spoil(t, filepath.Join(w.root, dir))
			got, err := w.Find()
			var f *ForeignError
			if !errors.As(err, &f) {
				t.Fatalf("error %v, want a ForeignError", err)
			}
			if got.RunDir != w.System {
				t.Errorf("would ask %s", got.Socket)
			}
		})
	}
}

func TestTrustedRefusesAnothersDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Trusted(dir, os.Getuid()); err != nil {
		t.Errorf("own directory: %v", err)
	}
	err := Trusted(dir, os.Getuid()+1)
	if os.Getuid() == 0 { // root's directories are trusted by everybody
		if err != nil {
			t.Errorf("root's directory: %v", err)
		}
		if err := os.Chown(dir, 12345, 0); err != nil {
			t.Fatal(err)
		}
		err = Trusted(dir, 12346)
	}
	var f *ForeignError
	if !errors.As(err, &f) {
		t.Errorf("another's directory: error %v, want a ForeignError", err)
	}
}

func TestMakeUserRunDir(t *testing.T) {
	w := newWorld(t)
	w.env["XDG_RUNTIME_DIR"] = filepath.Join(w.root, "absent", "xdg")
	dir, err := MakeUserRunDir(w.Env, w.UID)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(dir) != filepath.Join(w.root, "tmp") {
		t.Errorf("made %s, want one below tmp, XDG's being absent", dir)
	}
	if again, err := MakeUserRunDir(w.Env, w.UID); err != nil || again != dir {
		t.Errorf("second time: %s, %v", again, err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := MakeUserRunDir(w.Env, w.UID); err == nil {
		t.Error("a directory that others may write to was accepted")
	}
}

func TestStateDirFile(t *testing.T) {
	run := t.TempDir()
	if _, err := StateDir(run); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if err := WriteStateDir(run, "/var/lib/some where"); err != nil {
		t.Fatal(err)
	}
	if got, err := StateDir(run); err != nil || got != "/var/lib/some where" {
		t.Errorf("read %q, %v", got, err)
	}
	left, err := os.ReadDir(run)
	if err != nil || len(left) != 1 {
		t.Errorf("files left in the run directory: %v, %v", left, err)
	}
	for _, bad := range []string{"", "relative/path", "\n", "/" + strings.Repeat("x", stateDirBytesMax)} {
		if err := os.WriteFile(filepath.Join(run, stateDirFile), []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := StateDir(run); err == nil {
			t.Errorf("%.20q was read as %q", bad, got)
		}
	}
}
