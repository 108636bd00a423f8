package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTrust(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  string // what the mistake says, DIR for the directory; "" = trusted
	}{
		{"root's alone", func(*testing.T, string) {}, ""},
		{"file of mode 0666", func(t *testing.T, dir string) { chmod(t, dir+"/supd.toml", 0o666) },
			"file DIR/supd.toml can be written by others (mode 0666); run: chmod go-w DIR/supd.toml"},
		{"group can write", func(t *testing.T, dir string) { chmod(t, dir+"/supd.toml", 0o664) },
			"file DIR/supd.toml can be written by others (mode 0664); run: chmod go-w DIR/supd.toml"},
		{"include of mode 0666", func(t *testing.T, dir string) { chmod(t, dir+"/conf.d/a.toml", 0o666) },
			"file DIR/conf.d/a.toml can be written by others (mode 0666); run: chmod go-w DIR/conf.d/a.toml"},
		{"directory of an include", func(t *testing.T, dir string) { chmod(t, dir+"/conf.d", 0o777) },
			"directory DIR/conf.d can be written by others (mode 0777); run: chmod go-w DIR/conf.d"},
		{"directory with the sticky bit", func(t *testing.T, dir string) { chmod(t, dir+"/conf.d", 0o777|os.ModeSticky) }, ""},
		{"somebody else's file", func(t *testing.T, dir string) { chown(t, dir+"/supd.toml", 12345) },
			"file DIR/supd.toml belongs to uid 12345, who could change what supd runs; run: chown root DIR/supd.toml"},
		{"somebody else's directory", func(t *testing.T, dir string) { chown(t, dir, 12345) },
			"directory DIR belongs to uid 12345, who could change what supd runs; run: chown root DIR"},
		{"link to a file that others can write", func(t *testing.T, dir string) {
			chmod(t, dir+"/elsewhere/b.toml", 0o666)
			if err := os.Symlink("../elsewhere/b.toml", dir+"/conf.d/b.toml"); err != nil {
				t.Fatal(err)
			}
		}, "file DIR/elsewhere/b.toml can be written by others (mode 0666); run: chmod go-w DIR/elsewhere/b.toml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := write(t, map[string]string{
				"supd.toml": "include = [\"conf.d/*.toml\"]\n" + web, "conf.d/a.toml": "", "elsewhere/b.toml": "",
			})
			tc.spoil(t, dir)
			_, mistakes := Load(filepath.Join(dir, "supd.toml"), Options{Trust: TrustOwned})
			got := strings.ReplaceAll(mistakes.Text(), dir, "DIR")
			if tc.want == "" && mistakes != nil || !strings.HasSuffix(got, tc.want) {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string, uid int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: an ordinary user cannot give a file away")
	}
	if err := os.Chown(path, uid, -1); err != nil {
		t.Fatal(err)
	}
}
