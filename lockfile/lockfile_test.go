package lockfile

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newDir is a fresh state directory with a plan.
func newDir(t testing.TB, plan Plan, services ...string) *Dir {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
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
	if err := d.EnsureService(services...); err != nil {
		t.Fatal(err)
	}
	return d
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
		r.Targets, r.IDs = append(r.Targets, tg), append(r.IDs, NewID())
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

func TestBasic(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); err != nil {
		t.Fatal(err)
	}
	l := lockOf(t, d, ann(), "db")[0]
	before := auto(d, VerbStart, "db")
	t.Log(d.Do(context.Background(), before, nothing))
	res, err := d.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: ann(), Force: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", res)
	t.Log(d.Do(context.Background(), before, nothing))
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); err != nil {
		t.Fatal(err)
	}
	e, bad := d.Ended()
	t.Logf("%+v %v", e, bad)
	b, _ := os.ReadFile(d.endedPath(l.ID))
	t.Log(string(b))
}
