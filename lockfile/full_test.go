package lockfile

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fullDisk refuses everything that needs a block: new files, new directories, bytes beyond what is allocated.
func fullDisk(d *Dir) {
	d.disk.hook = func(op, path string) error {
		switch {
		case op == "create" || op == "mkdir", op == "write" && path != "spare":
			if strings.HasPrefix(path, d.path+"/inflight/") && op == "write" {
				return nil // in place
			}
			return unix.ENOSPC
		}
		return nil
	}
}

func TestFullDiskTakesAndEndsLocks(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"))
	lockOf(t, d, bob(), "@front") // its directory is there
	fullDisk(d)
	locks := append(lockOf(t, d, ann(), "db", "web"), lockOf(t, d, ann(), "@front")...)
	if err := d.Do(context.Background(), Request{Services: []string{"db"}, Verb: VerbStop, Actor: ann(), Override: true,
		Hold: &HoldSpec{Kind: HoldOperatorStop}}, nothing); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := d.Rewrite(context.Background(), locks[0].ID, ann(), func(l *Lock) { l.Reason = "still" }); err != nil {
		t.Errorf("rewrite: %v", err)
	}
	if _, err := d.Break(context.Background(), BreakRequest{ID: d.Cover("web").Locks[0].ID, NewID: "new1", Owner: cat()}); err != nil {
		t.Errorf("break: %v", err)
	}
	for _, l := range d.Locks().Locks {
		if _, err := d.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: l.Owner, Force: true}); err != nil {
			t.Errorf("end of %s on %s: %v", l.ID, l.Target, err)
		}
	}
	if _, err := d.RemoveHolds(context.Background(), "db", nil); err != nil {
		t.Errorf("remove holds: %v", err)
	}
}

func TestFullDiskWithoutSparesSaysSo(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	names, err := d.disk.list(d.path + "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) != sparesMax {
		t.Errorf("%d spares, want %d", len(names), sparesMax)
	}
	for _, n := range names {
		os.Remove(d.path + "/tmp/" + n)
	}
	fullDisk(d)
	_, err = d.Lock(context.Background(), lockReq(ann(), 0, "db"))
	if err == nil || !strings.Contains(err.Error(), "no spare file") || !strings.Contains(err.Error(), "make room") {
		t.Errorf("got %v", err)
	}
	if ls := d.Locks(); len(ls.Locks)+len(ls.Unreadable) > 0 {
		t.Errorf("%+v", ls)
	}
	d.disk.hook = nil
	lockOf(t, d, ann(), "db") // and the spares come back by themselves
	if names, _ := d.disk.list(d.path + "/tmp"); len(names) != sparesMax {
		t.Errorf("%d spares after there was room again", len(names))
	}
}

// TestReallyFullDisk fills a small file system of its own to the last block.
func TestReallyFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a file system of its own; euid is not 0")
	}
	mnt := t.TempDir()
	if err := unix.Mount("lockfile-test", mnt, "tmpfs", 0, "size=1m,mode=755"); err != nil {
		t.Fatalf("cannot mount: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(mnt, unix.MNT_DETACH) })
	path := mnt + "/state"
	if err := Init(path, true); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.EnsureService("db"); err != nil {
		t.Fatal(err)
	}
	fill(t, mnt+"/ballast")
	l := lockOf(t, d, ann(), "db")[0]
	if c := d.Cover("db"); len(c.Locks) != 1 || len(c.Unreadable) != 0 {
		t.Fatalf("%+v", c)
	}
	if _, err := d.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: ann(), LeaveStopped: true}); err != nil {
		t.Fatal(err)
	}
	if c := d.Cover("db"); len(c.Locks) != 0 || len(c.Holds) != 1 {
		t.Errorf("%+v", c)
	}
	err = d.Do(context.Background(), Request{Services: []string{"db"}, Verb: VerbStart, Actor: ann(), ClearHolds: true}, nothing)
	if err != nil {
		t.Errorf("start: %v", err)
	}
}

// fill writes until nothing more fits, to the byte.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	total := 0
	for n := 64 << 10; n > 0; {
		k, err := f.Write(make([]byte, n))
		total += k
		if err != nil {
			n /= 2
		}
	}
	if _, err := f.Write([]byte{1}); err == nil {
		t.Fatal("not full")
	}
	if total == 0 {
		t.Fatal(fmt.Errorf("there was no room at all"))
	}
}
