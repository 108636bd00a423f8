package lockfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// harm is something that happens to a state directory with a lock of ann's on db and an operator stop of web.
type harm struct {
	name    string
	do      func(t *testing.T, d *Dir, id string) string // returns the path that is wrong
	trouble Trouble
	holds   string // a service that has to be held until a lock ends; "": none
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// instead puts a file into the place of whatever stands there.
func instead(t *testing.T, path string) string {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	return put(t, path, "garbage")
}

func harms() []harm {
	newer := "format = 9\nid = \"x1\"\ntarget = {kind = \"fleet\"}\n[owner]\nname = 7\n"
	return []harm{
		{"a lock of garbage", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.lockFile(ServiceTarget("db"), id), "not [ toml")
		}, TroubleDamaged, "db"},
		{"an empty lock", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.lockFile(GroupTarget("front"), "empty1"), "")
		}, TroubleDamaged, "web"},
		{"a directory called like a lock", func(t *testing.T, d *Dir, id string) string {
			path := d.lockFile(ServiceTarget("web"), "dir1")
			if err := os.MkdirAll(path+"/deep", 0o755); err != nil {
				t.Fatal(err)
			}
			return path
		}, TroubleDamaged, "web"},
		{"a symbolic link called like a lock", func(t *testing.T, d *Dir, id string) string {
			path := d.lockFile(ServiceTarget("web"), "link1")
			if err := os.Symlink("/etc/hostname", path); err != nil {
				t.Fatal(err)
			}
			return path
		}, TroubleDamaged, "web"},
		{"an editor's backup", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.path+"/locks/service/db/"+id+".toml~", "x")
		}, TroubleDamaged, "db"},
		{"a lock of a newer format", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.lockFile(ServiceTarget("web"), "x1"), newer)
		}, TroubleForeign, "web"},
		{"a lock on web in the place of the host's", func(t *testing.T, d *Dir, id string) string {
			text, err := os.ReadFile(d.lockFile(ServiceTarget("db"), id))
			if err != nil {
				t.Fatal(err)
			}
			return put(t, d.lockFile(HostTarget(), id+"b"), strings.ReplaceAll(string(text), id, id+"b"))
		}, TroubleMisplaced, "web"},
		{"a copy without its lock", func(t *testing.T, d *Dir, id string) string {
			text, err := os.ReadFile(d.lockFile(ServiceTarget("db"), id))
			if err != nil {
				t.Fatal(err)
			}
			return put(t, d.lockFile(ServiceTarget("web"), "copy1"), strings.ReplaceAll(string(text), id, "copy1"))
		}, TroubleMisplaced, "web"},
		{"a directory for a host that is none", func(t *testing.T, d *Dir, id string) string {
			put(t, d.path+"/locks/host/web/a1.toml", "x")
			return d.path + "/locks/host/web"
		}, TroubleMisplaced, ""},
		{"a hold of garbage", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.path+"/holds/web/h1.toml", "\x00\x00")
		}, TroubleDamaged, "web"},
		{"a hold of a newer format", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.path+"/holds/web/h1.toml", "format = 7\n")
		}, TroubleForeign, "web"},
		{"a hold of an unknown kind", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.path+"/holds/web/h1.toml", "format = 1\nid = \"h1\"\nservice = \"web\"\nkind = \"quarantine\"\n")
		}, TroubleForeign, "web"},
		{"a hold in the wrong place", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.path+"/holds/web/h1.toml", "format = 1\nid = \"h1\"\nservice = \"db\"\nkind = \"operator-stop\"\n")
		}, TroubleMisplaced, "web"},
		{"a hold of what is configured no more", func(t *testing.T, d *Dir, id string) string {
			h, err := d.AddHold("old", HoldSpec{Kind: HoldOperatorStop})
			if err != nil {
				t.Fatal(err)
			}
			return d.holdDir("old") + "/" + h.ID + ".toml"
		}, TroubleOrphaned, ""},
		{"a file for a service's locks", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/locks/service/web") }, TroubleDamaged, "web"},
		{"a file for a group's locks", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/locks/group/front") }, TroubleDamaged, "web"},
		{"a file for the host's locks", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/locks/host/all") }, TroubleDamaged, "web"},
		{"a file for locks/host", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/locks/host") }, TroubleDamaged, "web"},
		{"no locks at all", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/locks") }, TroubleDamaged, "web"},
		{"no locks of services", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/locks/service") }, TroubleDamaged, "web"},
		{"no locks of groups", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/locks/group") }, TroubleDamaged, "web"},
		{"no holds", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/holds") }, TroubleDamaged, "web"},
		{"no gates", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/gates") }, TroubleDamaged, "web"},
		{"no epochs", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/epoch") }, TroubleDamaged, ""},
		{"no records", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/inflight") }, TroubleDamaged, ""},
		{"no tombstones", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/ended") }, TroubleDamaged, ""},
		{"no tmp", func(t *testing.T, d *Dir, id string) string { return gone(t, d.path+"/tmp") }, TroubleDamaged, ""},
		{"a file for tmp", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/tmp") }, TroubleDamaged, ""},
		{"a file for a service's holds", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/holds/web") }, TroubleDamaged, "web"},
		{"a record of garbage", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/inflight/web") }, TroubleDamaged, "web"},
		{"an interrupted action", func(t *testing.T, d *Dir, id string) string {
			return put(t, d.path+"/inflight/web", "format = 1\nservice = \"web\"\nverb = \"restart\"\nphase = \"stopped\"\nboot_id = \"another\"\n")
		}, TroubleStale, ""},
		{"a directory for a gate", func(t *testing.T, d *Dir, id string) string {
			path := gone(t, d.path+"/gates/web")
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			return path
		}, TroubleGate, "web"},
		{"a link for a gate", func(t *testing.T, d *Dir, id string) string {
			path := gone(t, d.path+"/gates/web")
			if err := os.Symlink("db", path); err != nil {
				t.Fatal(err)
			}
			return path
		}, TroubleGate, "web"},
		{"a directory for an epoch", func(t *testing.T, d *Dir, id string) string {
			path := d.path + "/epoch/web"
			if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o755)); err != nil {
				t.Fatal(err)
			}
			return path
		}, TroubleDamaged, "web"},
		{"an epoch of garbage", func(t *testing.T, d *Dir, id string) string { return put(t, d.path+"/epoch/web", "?") }, TroubleDamaged, ""},
		{"a plan of garbage", func(t *testing.T, d *Dir, id string) string { return instead(t, d.path+"/plan.toml") }, TroubleDamaged, "web"},
	}
}

// gone removes what stands at path.
func gone(t *testing.T, path string) string {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func harmed(t *testing.T, h harm) (d *Dir, path string) {
	t.Helper()
	d = newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"))
	path = h.do(t, d, lockOf(t, d, ann(), "db")[0].ID)
	return d, path
}

// Whatever is wrong is found, holds what it held until a lock ends in the ordinary way, and is kept.
func TestMendEveryHarm(t *testing.T) {
	for _, h := range harms() {
		t.Run(h.name, func(t *testing.T) {
			d, path := harmed(t, h)
			f := d.wrong(path)
			if f == nil || f.Trouble != h.trouble || f.Holds && h.holds == "" {
				t.Fatalf("found %+v, want %s at %s; all: %+v", f, h.trouble, path, d.Examine())
			}
			before, _ := os.ReadFile(path)
			if h.holds != "" {
				heldOrUnsure(t, d, h.holds)
			}
			m, err := d.Mend(context.Background(), MendRequest{Path: path, NewID: "mine1", Owner: bob(), Reason: "doctor", Wait: 2 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if f := d.wrong(path); f != nil {
				t.Errorf("still: %+v", f)
			}
			if m.Aside != "" {
				if _, err := os.Lstat(m.Aside); err != nil {
					t.Errorf("not kept: %v", err)
				}
				if after, _ := os.ReadFile(m.Aside); h.trouble == TroubleDamaged && string(after) != string(before) {
					t.Errorf("kept as %q, was %q", after, before)
				}
				if strings.Contains(m.Aside, "/aside/") {
					if text, err := os.ReadFile(m.Aside + ".why"); err != nil || !strings.Contains(string(text), "doctor") || !strings.Contains(string(text), "bob") {
						t.Errorf("why: %q, %v", text, err)
					}
				}
			}
			if h.holds != "" {
				heldOrUnsure(t, d, h.holds)
				if m.Lock == nil || !m.Lock.Owner.Same(bob()) {
					t.Fatalf("nobody holds it: %+v", m)
				}
				if _, err := d.End(context.Background(), end(bob(), m.Lock.ID)); err != nil {
					t.Errorf("the mender's lock cannot be ended: %v", err)
				}
			} else if m.Lock != nil {
				t.Errorf("a lock for what held nothing: %+v", m.Lock)
			}
			for _, f := range d.Examine() {
				if f.Trouble != TroubleOrphaned {
					t.Errorf("left: %+v", f)
				}
			}
			var sound *SoundError
			if _, err := d.Mend(context.Background(), MendRequest{Path: path, NewID: "mine2", Owner: bob()}); !errors.As(err, &sound) {
				t.Errorf("mended twice: %v", err)
			}
			lockOf(t, d, cat(), "web") // and the directory works
		})
	}
}

// heldOrUnsure: no automatic action passes, also not one that claims to have been decided well.
func heldOrUnsure(t *testing.T, d *Dir, service string) {
	t.Helper()
	p, _ := d.Plan()
	e, _ := d.epoch(service)
	err := d.Do(context.Background(), Request{Services: []string{service}, Verb: VerbStart, Automatic: true, Wait: 200 * time.Millisecond,
		Decisions: map[string]Decision{service: {PlanGen: p.Generation, Epoch: e.Token, Clean: true}}}, func(*Permit) error { return errActed })
	if err == nil || errors.Is(err, errActed) {
		t.Errorf("acted on %s", service)
	}
}

// At no disk operation of a repair can its failure free what was held, and the next try gets through.
func TestMendNeverOpensTheGateWhenTheDiskFails(t *testing.T) {
	ways := []string{"a lock of garbage", "an editor's backup", "a hold of garbage", "a file for a service's locks", "no locks at all", "a record of garbage", "a directory for a gate", "a plan of garbage"}
	for _, h := range harms() { // one of each way to mend; the others go the same
		if !slices.Contains(ways, h.name) {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			var path string
			failEverywhere(t, unix.EIO, true, func() (d *Dir) {
				d, path = harmed(t, h)
				return d
			}, func(d *Dir) error {
				_, err := d.Mend(context.Background(), MendRequest{Path: path, NewID: "mine1", Owner: bob(), Reason: "x", Wait: time.Second})
				return err
			}, func(d *Dir, _ error) error {
				heldOrUnsure(t, d, h.holds)
				_, err := d.Mend(context.Background(), MendRequest{Path: path, NewID: "mine2", Owner: bob(), Reason: "x", Wait: time.Second})
				var sound *SoundError
				if err != nil && !errors.As(err, &sound) {
					return err
				}
				heldOrUnsure(t, d, h.holds)
				return nil
			})
		})
	}
}

// A sound directory has nothing to be found, also with locks, holds and ended locks in it.
func TestExamineOfASoundDirectory(t *testing.T) {
	d := newDir(t, planOf(map[string][]string{"front": {"db", "web"}}, "db", "web"))
	l := lockOf(t, d, ann(), "@front", "--all", "db")
	if _, err := d.End(context.Background(), end(ann(), l[0].ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AddHold("web", HoldSpec{Kind: HoldRestartLimit}); err != nil {
		t.Fatal(err)
	}
	if got := d.Examine(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// What the system's own commands mend is found, too.
func TestExamineAccessAndMarker(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	for path, do := range map[string]func(string) error{
		"gates/db": func(p string) error { return os.Chmod(p, 0o644) },
		"gates":    func(p string) error { return os.Chmod(p, 0o755) },
		"locks":    func(p string) error { return os.Chmod(p, 0o777) },
		"format":   func(p string) error { return os.Remove(p) },
	} {
		p := filepath.Join(d.path, path)
		if err := do(p); err != nil {
			t.Fatal(err)
		}
		i := 0
		for _, f := range d.Examine() {
			if f.Path == p && f.Shell != "" {
				i++
			}
		}
		if i != 1 {
			t.Errorf("%s: found %d times: %+v", path, i, d.Examine())
		}
	}
	if err := os.Chmod(d.path+"/locks", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path+"/format", []byte("supd state directory, format 2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var marker *MarkerError
	if _, err := Open(d.path, Options{}); !errors.As(err, &marker) || !strings.Contains(err.Error(), "newer supd") {
		t.Errorf("a directory of a newer format: %v", err)
	}
}
