package lockfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// L3: unsure means locked.

func garbage() map[string]string {
	return map[string]string{
		"empty":             "",
		"random":            "\x8f\x00\xde\xad\xbe\xef\x01",
		"no TOML":           "format = = 1",
		"truncated":         "format = 1\nid = \"x1\"\ntarget = \"d",
		"half a lock":       "format = 1\nid = \"x1\"\n",
		"no version":        "id = \"x1\"\ntarget = \"db\"\ntaken_at = 2026-01-01T00:00:00Z\n",
		"another id":        "format = 1\nid = \"x2\"\ntarget = \"db\"\ntaken_at = 2026-01-01T00:00:00Z\n",
		"target with path":  "format = 1\nid = \"x1\"\ntarget = \"../db\"\ntaken_at = 2026-01-01T00:00:00Z\n",
		"zero bytes":        strings.Repeat("\x00", 400),
		"larger than sense": "#" + strings.Repeat("x", fileBytesMax),
	}
}

// wantUnsure is a refusal that names the file.
func wantUnsure(t *testing.T, d *Dir, service, file string) {
	t.Helper()
	for _, r := range []Request{auto(d, VerbStart, service), {Services: []string{service}, Verb: VerbStart, Actor: ann(), Override: true}} {
		var unsure *UnreadableError
		err := d.Do(context.Background(), r, func(*Permit) error { return errActed })
		if !errors.As(err, &unsure) || !strings.Contains(err.Error(), file) {
			t.Errorf("automatic %v: got %v, want unreadable %s", r.Automatic, err, file)
		}
	}
}

func TestL3_GarbageHolds(t *testing.T) {
	for what, content := range garbage() {
		for _, place := range []string{"locks/service/db/x1.toml", "locks/group/front/x1.toml", "locks/host/all/x1.toml", "holds/db/x1.toml"} {
			t.Run(what+" in "+filepath.Dir(place), func(t *testing.T) {
				d := newDir(t, planOf(map[string][]string{"front": {"db"}}, "db", "other"))
				path := filepath.Join(d.path, place)
				os.MkdirAll(filepath.Dir(path), 0o755)
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
				wantUnsure(t, d, "db", path)
				err := d.Do(context.Background(), auto(d, VerbStart, "other"), nothing)
				if host := strings.Contains(place, "host"); host != (err != nil) {
					t.Errorf("other service: %v", err)
				}
				if strings.HasPrefix(place, "locks/") {
					if l := d.Locks(); len(l.Unreadable) != 1 || l.Unreadable[0].Path != path {
						t.Errorf("listed: %+v", l.Unreadable)
					}
				}
			})
		}
	}
}

func TestL3_AnythingInALockDirectoryHolds(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"file.txt":   func(p string) error { return os.WriteFile(p, nil, 0o644) },
		".hidden":    func(p string) error { return os.WriteFile(p, nil, 0o644) },
		"dir.toml":   func(p string) error { return os.Mkdir(p, 0o755) },
		"link.toml":  func(p string) error { return os.Symlink("/dev/null", p) },
		"loop.toml":  func(p string) error { return os.Symlink("loop.toml", p) },
		"ended.toml": func(p string) error { return os.Symlink("/nonexistent", p) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, planOf(nil, "db"))
			if err := make(filepath.Join(d.path, "locks/service/db", name)); err != nil {
				t.Fatal(err)
			}
			wantUnsure(t, d, "db", name)
		})
	}
}

func TestL3_MissingLayoutHolds(t *testing.T) {
	for _, gone := range []string{"locks", "locks/service", "locks/group", "locks/host", "locks/host/all", "holds"} {
		t.Run(gone, func(t *testing.T) {
			d := newDir(t, planOf(nil, "db"))
			r := auto(d, VerbStart, "db")
			if err := os.Rename(filepath.Join(d.path, gone), d.path+"-away"); err != nil {
				t.Fatal(err)
			}
			var unsure *UnreadableError
			if err := d.Do(context.Background(), r, func(*Permit) error { return errActed }); gone != "locks/host/all" && !errors.As(err, &unsure) {
				t.Errorf("got %v, want unreadable", err)
			}
		})
	}
}

func TestL3_FileInsteadOfDirectoryHolds(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	dir := filepath.Join(d.path, "locks/service/db")
	if err := errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	wantUnsure(t, d, "db", dir)
}

func TestL3_DamagedPlanOrRecordHolds(t *testing.T) {
	for _, name := range []string{"plan.toml", "inflight/db"} {
		d := newDir(t, planOf(nil, "db"))
		if err := os.WriteFile(filepath.Join(d.path, name), []byte("not [ toml"), 0o644); err != nil {
			t.Fatal(err)
		}
		wantUnsure(t, d, "db", name)
	}
}

func TestL3_DamagedLockCanBeBroken(t *testing.T) {
	for _, target := range []string{"db", "@front", "--all"} {
		d := newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"))
		l := lockOf(t, d, ann(), target)[0]
		if err := os.WriteFile(d.lockFile(l.Target, l.ID), []byte("garbage"), 0o644); err != nil { // its copies are the same file
			t.Fatal(err)
		}
		var unsure *UnreadableError
		if _, err := d.End(context.Background(), end(ann(), l.ID)); !errors.As(err, &unsure) {
			t.Errorf("end of a damaged lock: %v", err)
		}
		res, err := d.Break(context.Background(), BreakRequest{ID: l.ID, NewID: "new1", Owner: bob(), Reason: "damaged"})
		if err != nil || res.New.Target != l.Target {
			t.Errorf("break of a damaged lock on %s: %+v, %v", target, res, err)
		}
		if c := d.Cover("db"); len(c.Unreadable) != 0 || len(c.Locks) != 1 {
			t.Errorf("after the break: %+v", c)
		}
		if _, err := d.End(context.Background(), end(bob(), "new1")); err != nil {
			t.Error(err)
		}
		if c := d.Cover("db"); !c.Clean() {
			t.Errorf("after the end: %+v", c)
		}
	}
}

func TestL3_NewerFormatIsALock(t *testing.T) {
	text := "format = 9\nid = \"x1\"\ntarget = {kind = \"fleet\"}\n[owner]\nname = 7\n"
	for _, place := range []string{"locks/service/db", "locks/group/front", "locks/host/all"} {
		d := newDir(t, planOf(map[string][]string{"front": {"db"}}, "db"))
		os.MkdirAll(filepath.Join(d.path, place), 0o755)
		if err := os.WriteFile(filepath.Join(d.path, place, "x1.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		wantHeld(t, d, "db")
		if c := d.Cover("db"); len(c.Locks) != 1 || c.Locks[0].ID != "x1" {
			t.Errorf("%s: %+v", place, c)
		}
	}
}

func TestUnknownKeysSurviveARewrite(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	l := lockOf(t, d, ann(), "db")[0]
	path := d.lockFile(l.Target, l.ID)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := "colour = \"red\"\n" + string(old) + "\n[owner.badge]\nnumber = 7\n"
	text = strings.Replace(text, "[members]", "[owner.badge]\nnumber = 7\n[members]", 1)
	text = strings.TrimSuffix(text, "\n[owner.badge]\nnumber = 7\n")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour).Round(time.Second)
	if _, err := d.Rewrite(context.Background(), l.ID, ann(), func(l *Lock) { l.Until, l.ID, l.Owner = until, "evil", bob() }); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"colour = \"red\"", "[owner.badge]", "number = 7"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("lost %s in:\n%s", want, got)
		}
	}
	if c := d.Cover("db"); len(c.Locks) != 1 || !c.Locks[0].Until.Equal(until) || !c.Locks[0].Owner.Same(ann()) {
		t.Errorf("%+v", c)
	}
}

func TestTextOfPeopleCannotDamageALock(t *testing.T) {
	for _, reason := range []string{"quote \" and \\ slash", "new\nline = 3\n[x]", "\xff\xfe not utf-8", "bell \a esc \x1b[31m", "null \x00 byte", strings.Repeat("long ", 2000), "ümläut 💥"} {
		d := newDir(t, planOf(nil, "db"))
		r := lockReq(ann(), time.Second, "db")
		r.Reason = reason
		if _, err := d.Lock(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		if c := d.Cover("db"); len(c.Locks) != 1 || len(c.Unreadable) != 0 || c.Locks[0].Reason == "" {
			t.Errorf("%q: %+v", reason, c)
		}
		if _, err := d.AddHold("db", HoldSpec{Kind: HoldOperatorStop, Reason: reason}); err != nil {
			t.Fatal(err)
		}
		if c := d.Cover("db"); len(c.Holds) != 1 || len(c.Unreadable) != 0 {
			t.Errorf("%q: %+v", reason, c)
		}
		if _, err := d.End(context.Background(), end(ann(), r.IDs[0])); err != nil {
			t.Fatal(err)
		}
		err := d.Do(context.Background(), Request{Services: []string{"db"}, Verb: VerbStart, Actor: ann(), By: reason, Reason: reason, ClearHolds: true}, func(p *Permit) error {
			got, err := d.readRecord("db")
			if err != nil || got == nil {
				t.Errorf("%q: record %v", reason, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
