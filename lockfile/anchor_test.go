package lockfile

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// syncs are the directories that a lock on "db" fsyncs.
func syncs(t *testing.T, d *Dir, o Owner) []string {
	t.Helper()
	var dirs []string
	d.disk.hook = func(op, path string) error {
		if dir, ok := strings.CutPrefix(path, d.path); op == "fsync" && ok && !strings.HasPrefix(dir, "/tmp/") {
			dirs = append(dirs, dir)
		}
		return nil
	}
	lockOf(t, d, o, "db")
	d.disk.hook = nil
	return dirs
}

func TestParentsAreFsyncedOncePerProcess(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	leaf, all := []string{"/locks/service/db"}, []string{"/locks/service/db", "/locks/service", "/locks", ""}
	if got := syncs(t, d, ann()); !slices.Equal(got, leaf) {
		t.Errorf("prepared by this process: fsync of %q, want %q", got, leaf)
	}
	other, err := Open(d.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := syncs(t, other, person("bob", 1002)); !slices.Equal(got, all) {
		t.Errorf("another process: fsync of %q, want %q", got, all)
	}
	if got := syncs(t, other, person("cid", 1003)); !slices.Equal(got, leaf) {
		t.Errorf("the other process's second lock: fsync of %q, want %q", got, leaf)
	}
}

// Somebody takes the directory away and puts one in its place, perhaps with the same inode number: its entry in the parent
// is new, and not durable.
func TestParentsOfAReplacedDirectoryAreFsyncedAgain(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	dir := d.path + "/locks/service/db"
	for i := range 50 {
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if got := syncs(t, d, ann()); !slices.Contains(got, "/locks/service") {
			t.Fatalf("round %d: fsync of %q only", i, got)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Who fails to fsync a parent has anchored nothing.
func TestAFailedFsyncAnchorsNothing(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	d.anchored.set = nil
	d.disk.hook = func(op, path string) error {
		if op == "fsync" && path == d.path+"/locks" {
			return os.ErrInvalid
		}
		return nil
	}
	if err := d.syncUp(d.path + "/locks/service/db"); err == nil {
		t.Fatal("the failure of an fsync is not told")
	}
	if len(d.anchored.set) > 0 {
		t.Errorf("anchored: %v", d.anchored.set)
	}
}
