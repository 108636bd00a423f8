package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A part of the state directory that leads elsewhere, or is somebody else's, is not trusted: whoever owns it could take locks away.
func TestPartsOfTheDirectoryThatAreNotTrusted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give files away; euid is not 0")
	}
	for _, part := range []string{"locks", "locks/service", "locks/group", "locks/host", "holds", "gates", "ended"} {
		for what, do := range map[string]func(path string) error{
			"symbolic link": func(p string) error { return errors.Join(os.Rename(p, p+".real"), os.Symlink(p+".real", p)) },
			"uid 4242":      func(p string) error { return os.Chown(p, 4242, 4242) },
			"others may":    func(p string) error { return os.Chmod(p, 0o777) },
		} {
			d := newDir(t, planOf(nil, "db"))
			lockOf(t, d, ann(), "db")
			path := filepath.Join(d.path, part)
			if err := do(path); err != nil {
				t.Fatal(err)
			}
			var untrusted *DirError
			if _, err := Open(d.path, Options{}); !errors.As(err, &untrusted) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), part) {
				t.Errorf("%s is a %s: %v", part, what, err)
			}
			x, err := OpenToMend(d.path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range x.Examine() {
				if found = found || f.Path == path; f.Path != path || f.Shell != "" {
					continue
				}
				if _, err := x.Mend(context.Background(), MendRequest{Path: path, NewID: NewID(), Owner: bob(), Reason: "x", Wait: time.Second}); err != nil {
					t.Errorf("%s is a %s: mend: %v", part, what, err)
				}
				if _, err := Open(d.path, Options{}); err != nil {
					t.Errorf("mended: %v", err)
				}
				heldOrUnsure(t, x, "db")
			}
			if !found {
				t.Errorf("%s is a %s: the doctor does not find it", part, what)
			}
		}
	}
}

// Nothing here is decided by a clock: state of a year ago and of a year to come holds, ends and is told apart like any other.
func TestAClockThatJumpsByAYear(t *testing.T) {
	for _, jump := range []time.Duration{-366 * 24 * time.Hour, 366 * 24 * time.Hour} {
		d := newDir(t, planOf(nil, "db", "web"))
		l := lockOf(t, d, ann(), "db")[0]
		// As if the clock had been elsewhere when all of this was written.
		shift := func(l *Lock) { l.TakenAt, l.Until = l.TakenAt.Add(jump), l.TakenAt.Add(jump).Add(time.Hour) }
		shift(&l)
		content, err := l.encode()
		if err != nil {
			t.Fatal(err)
		}
		put(t, d.lockFile(l.Target, l.ID), string(content))
		at := time.Now().Add(jump).Format(time.RFC3339)
		put(t, d.holdDir("web")+"/h1.toml", fmt.Sprintf("format = 1\nid = \"h1\"\nservice = \"web\"\nkind = \"operator-stop\"\nsince = %s\n", at))
		old := time.Now().Add(jump)
		for _, p := range []string{d.lockFile(l.Target, l.ID), d.holdDir("web") + "/h1.toml", d.path + "/locks/service/db"} {
			if err := os.Chtimes(p, old, old); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Recover(context.Background()); err != nil {
			t.Fatal(err)
		}
		heldOrUnsure(t, d, "db")
		heldOrUnsure(t, d, "web")
		if bad := d.Examine(); len(bad) > 0 {
			t.Errorf("%v: %+v", jump, bad)
		}
		lockOf(t, d, bob(), "db")
		if ls := d.Locks().Locks; len(ls) != 2 {
			t.Errorf("%v: %d locks", jump, len(ls))
		}
		decision := auto(d, VerbStart, "db") // made under the locks
		for _, o := range []Owner{ann(), bob()} {
			for _, l := range d.LocksOn(ServiceTarget("db")) {
				if !l.Owner.Same(o) {
					continue
				}
				if _, err := d.End(context.Background(), end(o, l.ID)); err != nil {
					t.Errorf("%v: %v", jump, err)
				}
			}
		}
		if err := d.Do(context.Background(), decision, nothing); err == nil {
			t.Errorf("%v: a decision from before the release was carried out", jump)
		}
		if n, err := d.RemoveHolds(context.Background(), "web", nil); n != 1 || err != nil {
			t.Errorf("%v: %d holds removed, %v", jump, n, err)
		}
		if _, err := d.Lock(context.Background(), LockRequest{IDs: []string{l.ID}, Targets: []Target{l.Target}, Owner: ann()}); !isGone(err) {
			t.Errorf("%v: a late request raised the lock again: %v", jump, err)
		}
	}
}

func isGone(err error) bool {
	var gone *GoneError
	return errors.As(err, &gone)
}

// Many supctl at the same moment, each a process of its own and without a daemon: everybody gets a lock, and everybody's end takes
// away one's own.
func TestManyAtTheSameMoment(t *testing.T) {
	const people = 6
	d := groupDir(t)
	at := func(mode string, ids []string) {
		var cs []*child
		for i := range people {
			cs = append(cs, start(t, job{Path: d.path, Mode: mode, Target: "@front", IDs: []string{ids[i]}, Owner: person(fmt.Sprint("p", i), int64(2000+i))}))
		}
		for i, c := range cs {
			if word := c.hear(); word != "done <nil>" {
				t.Errorf("%s by %d: %s", mode, i, word)
			}
			c.finish()
		}
	}
	var ids []string
	for range people {
		ids = append(ids, NewID())
	}
	at("lock", ids)
	for _, s := range []string{"db", "web"} {
		if c := d.Cover(s); len(c.Locks) != people || len(c.Unreadable) > 0 {
			t.Errorf("%s: %+v", s, c)
		}
	}
	at("end", ids)
	if ls := d.Locks(); len(ls.Locks)+len(ls.Unreadable) > 0 {
		t.Errorf("left: %+v", ls)
	}
	if err := intact(d); err != nil {
		t.Error(err)
	}
}

// A lock was written through a link that nothing reads through, and said to stand.
func TestNoLockIsWrittenThroughALink(t *testing.T) {
	for _, into := range []string{"locks/group/web", "locks/service/a"} {
		for what, put := range map[string]func(path, elsewhere string) error{
			"symbolic link":   func(path, elsewhere string) error { return os.Symlink(elsewhere, path) },
			"not a directory": func(path, _ string) error { return os.WriteFile(path, nil, 0o644) },
		} {
			d := newDir(t, planOf(map[string][]string{"web": {"a", "b"}}, "a", "b"))
			elsewhere, path := d.path+".elsewhere", filepath.Join(d.path, into)
			if err := errors.Join(os.Mkdir(elsewhere, 0o755), os.RemoveAll(path), put(path, elsewhere)); err != nil {
				t.Fatal(err)
			}
			_, err := d.Lock(context.Background(), LockRequest{IDs: []string{NewID()}, Targets: []Target{GroupTarget("web")}, Owner: ann(), Wait: time.Second})
			var unreadable *UnreadableError
			var stands *StandsError
			if !errors.As(err, &unreadable) || errors.As(err, &stands) || !strings.Contains(err.Error(), path+": it is") || !strings.Contains(err.Error(), what) {
				t.Errorf("%s is a %s: %v", into, what, err)
			}
			if left, _ := os.ReadDir(elsewhere); len(left) > 0 {
				t.Errorf("%s is a %s: %v was written elsewhere", into, what, left)
			}
			if all := d.Locks(); len(all.Locks) > 0 || len(all.Unreadable) == 0 {
				t.Errorf("%s is a %s: %+v", into, what, all)
			}
			heldOrUnsure(t, d, "a")
		}
	}
}
