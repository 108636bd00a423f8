package lockfile

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// newDir is a fresh state directory with a plan.
func newDir(t testing.TB, plan Plan, services ...string) *Dir {
	t.Helper()
	path := filepath.Join(quickDir(t), "state")
	if err := Init(path, true); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Services == nil {
		plan.Services = map[string]Identity{}
	}
	for _, s := range services {
		plan.Services[s] = Identity{Command: "/bin/" + s}
	}
	if _, err := d.Reload(context.Background(), ReloadRequest{Build: func(map[string]error) Plan { return plan }}); err != nil {
		t.Fatal(err)
	}
	if err := d.EnsureService(slices.Collect(maps.Keys(plan.Services))...); err != nil {
		t.Fatal(err)
	}
	return d
}

// quickDir is a temporary directory in memory where there is one: most tests ask what is written in which order, not how long a disk takes.
// Benchmarks measure the disk, so they get a real one.
func quickDir(t testing.TB) string {
	if _, bench := t.(*testing.B); !bench {
		if dir, err := os.MkdirTemp("/dev/shm", "lockfile-test-"); err == nil {
			t.Cleanup(func() { os.RemoveAll(dir) })
			return dir
		}
	}
	return t.TempDir()
}

// person is an owner of his own.
func person(name string, uid int64) Owner {
	return Owner{Name: name, UID: uid, LoginUID: uid, Session: "7", PID: os.Getpid(), TTY: "pts/1"}
}

func ann() Owner { return person("ann", 1001) }
func bob() Owner { return person("bob", 1002) }
func cat() Owner { return person("cat", 1003) }

func lockOf(t testing.TB, d *Dir, o Owner, targets ...string) []Lock {
	t.Helper()
	r := LockRequest{Owner: o, Reason: "work", Wait: 5 * time.Second}
	for _, s := range targets {
		tg, err := ParseTarget(s)
		if err != nil {
			t.Fatal(err)
		}
		r.Targets, r.IDs = append(r.Targets, tg), append(r.IDs, NewIDFor(tg))
	}
	res, err := d.Lock(context.Background(), r)
	if err != nil {
		t.Fatalf("lock %q: %v", targets, err)
	}
	return res.Locks
}

func auto(d *Dir, verb Verb, services ...string) Request {
	r := Request{Services: services, Verb: verb, Automatic: true, Decisions: map[string]Decision{}, Wait: time.Second}
	for _, s := range services {
		o := d.Observe(s)
		r.Decisions[s] = Decision{PlanGen: o.PlanGen, Epoch: o.Epoch.Token, Clean: o.Cover.Clean()}
	}
	return r
}

func nothing(*Permit) error { return nil }
