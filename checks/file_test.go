package checks

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// madeFile writes a file with all that could differ from machine to machine set.
func madeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	path := madeFile(t, "# config\nport = 80\npassword = hunter2\n")
	me := names{}.of(uint32(os.Getuid()), ownerName)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path, table string
		state       State
		parts       []string
	}{
		"is there":                {path, "", OK, []string{path + ": 38B, last written 2h ago"}},
		"is not there":            {path + "x", "", Failing, []string{path + "x does not exist"}},
		"must not be there":       {path, "exists = false", Failing, []string{"exists and should not"}},
		"is not there, as wanted": {path + "x", "exists = false", OK, []string{"as wanted"}},
		"behind a file":           {path + "/x", "", Unknown, []string{"cannot look at", "not a directory"}},
		"too old":                 {path, `when = "age > 1h"`, Failing, []string{"age is 2h: age > 1h"}},
		"young enough":            {path, `when = "age > 3h"`, OK, nil},
		"too small":               {path, `when = "size < 1K"`, Failing, []string{"size is 38B: size < 1K"}},
		"permission":              {path, `permission = "0644"`, Failing, []string{"has permission 0600, want 0644"}},
		"permission by when":      {path, `when = "permission != 600"`, OK, nil},
		"owner":                   {path, `owner = "` + me + `"`, OK, nil},
		"other owner":             {path, `owner = "nobody-such"`, Failing, []string{"belongs to " + me + ", want nobody-such"}},
		"other group":             {path, `group = "nobody-such"`, Failing, []string{"belongs to group"}},
		"content":                 {path, `content = "port = 80"`, OK, nil},
		"content missing":         {path, `content = "port = 81"`, Failing, []string{`the content "# config port = 80`, `has not "port = 81" in it`}},
		"content by regex":        {path, `content_regex = "(?m)^port = \\d+$"`, OK, nil},
		"forbidden content":       {path, `without = "password = \\w+"`, Failing, []string{`has "password = hunter2" in it`}},
		"directory":               {filepath.Dir(path), "", Failing, []string{"is no regular file but a directory"}},
		"fifo does not block":     {fifo, `content = "x"`, Failing, []string{"is no regular file but a FIFO"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := mustLookup(t, "file")
			o, conf := decode(t, k, "path = \""+c.path+"\"\n"+c.table)
			if err := conf.Validate(); err != nil {
				t.Fatal(err)
			}
			if err := o.Validate(k, ""); err != nil {
				t.Fatal(err)
			}
			r := newWatch(k, o).see(Report{At: time.Now(), Result: conf.Make().Run(t.Context(), Env{})})
			expectDetail(t, r.Result, c.state, c.parts...)
		})
	}
}

func TestPermissionHasAllTwelveBits(t *testing.T) {
	path := madeFile(t, "a")
	if err := os.Chmod(path, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	r := made(t, "file", "path = \""+path+"\"\npermission = \"0755\"").Run(t.Context(), Env{})
	expectDetail(t, r, Failing, "has permission 4755, want 0755")
}

func TestLargeFileIsSearchedInItsFirstPart(t *testing.T) {
	path := madeFile(t, strings.Repeat("x", replyBytesMax)+"the end")
	r := made(t, "file", "path = \""+path+"\"\ncontent = \"the end\"").Run(t.Context(), Env{})
	expectDetail(t, r, Failing, "only the first 1M was searched")
}

func TestFileChanged(t *testing.T) {
	path := madeFile(t, "a")
	k := mustLookup(t, "file")
	o, c := decode(t, k, "path = \""+path+"\"\nwhen = \"changed\"")
	w, check := newWatch(k, o), c.Make()
	look := func() State { return w.see(Report{At: time.Now(), Result: check.Run(t.Context(), Env{})}).Result.State }
	if got := look(); got != OK {
		t.Errorf("first look: %s", got)
	}
	if got := look(); got != OK {
		t.Errorf("nothing changed: %s", got)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := look(); got != Failing {
		t.Errorf("its permission changed: %s", got)
	}
	// Replaced by a file of the same size, time and permission: only the inode differs.
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("b"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	if got := look(); got != Failing {
		t.Errorf("it was replaced: %s", got)
	}
	if got := look(); got != OK {
		t.Errorf("nothing changed since: %s", got)
	}
}

func TestBadFileTables(t *testing.T) {
	for table, want := range map[string]string{
		``:                                     `path is missing`,
		`path = "x"`:                           `path "x" is no absolute path`,
		"path = '/x'\npermission = 'rw'":       `permission "rw" is no permission; write it in octal, such as "0644"`,
		"path = '/x'\npermission = '10000'":    `permission "10000" is no permission; write it in octal, such as "0644"`,
		"path = '/x'\nexists=false\nowner='r'": `owner asks something of a file that must not exist`,
		"path = '/x'\nwithout = '('":           "without is no regular expression: missing closing ): `(`",
	} {
		_, c := decode(t, mustLookup(t, "file"), table)
		if got := errText(c.Validate()); got != want {
			t.Errorf("%s:\n got %s\nwant %s", strings.ReplaceAll(table, "\n", "; "), got, want)
		}
	}
}
