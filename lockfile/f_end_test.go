package lockfile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The flaws of ending a lock.

func end(o Owner, ids ...string) EndRequest {
	return EndRequest{IDs: ids, Owner: o, Verdict: func(string) error { return nil }}
}

func TestF09_StaleDecisionNeverFires(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	before := auto(d, VerbStart, "db")
	l := lockOf(t, d, ann(), "db")[0]
	during := auto(d, VerbStart, "db")

	// A decision made in the middle of the release: after the new epoch, before the lock is gone.
	var between Request
	d.disk.hook = func(op, path string) error {
		if op == "rename" && strings.HasPrefix(path, d.path+"/ended/") {
			d.disk.hook = nil
			between = auto(d, VerbStart, "db")
		}
		return nil
	}
	if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
		t.Fatal(err)
	}
	if between.Services == nil || between.Decisions["db"].Epoch != d.Observe("db").Epoch.Token {
		t.Fatalf("the decision in between does not carry the new token: %+v", between)
	}
	for name, r := range map[string]Request{"before the lock": before, "under the lock": during, "during the release": between} {
		var stale *StaleError
		if err := d.Do(context.Background(), r, func(*Permit) error { return nil }); !errors.As(err, &stale) {
			t.Errorf("decided %s: got %v, want stale", name, err)
		}
	}
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); err != nil {
		t.Errorf("decided afterwards: %v", err)
	}
}

func TestF10_TheLastLockIsAlwaysVerified(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	for range 20 {
		a, b := lockOf(t, d, ann(), "db")[0], lockOf(t, d, bob(), "db")[0]
		var verdicts atomic.Int32
		var wg sync.WaitGroup
		for id, o := range map[string]Owner{a.ID: ann(), b.ID: bob()} {
			wg.Go(func() {
				r := end(o, id)
				r.Verdict = func(string) error { verdicts.Add(1); return nil }
				if _, err := d.End(context.Background(), r); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if verdicts.Load() != 1 {
			t.Fatalf("%d verdicts for two ends at once, want exactly one", verdicts.Load())
		}
	}
}

func TestF11_EndMakesSureOfTheLocksItLeansOn(t *testing.T) {
	d := newDir(t, Plan{Groups: map[string][]string{"web": {"db"}}}, "db")
	lockOf(t, d, bob(), "@web")
	l := lockOf(t, d, ann(), "db")[0]
	log := record(d)
	res, err := d.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: ann()}) // no verdict needed: bob holds it
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Freed) != 0 || len(res.Remain["db"]) != 1 || !res.Remain["db"][0].Owner.Same(bob()) {
		t.Errorf("freed %v, remain %v", res.Freed, res.Remain)
	}
	gone := log.last("rename /ended/" + l.ID + ".toml")
	for _, dir := range []string{"/locks/group/web", "/locks/group", "/locks/service/db", "/locks/service", "/locks", ""} {
		if at := slices.Index(log.ops, "fsync "+dir); at < 0 || at > gone {
			t.Errorf("%q is not fsynced before the lock goes", dir)
		}
	}
}

func TestF12_LeaveStoppedIsDurableBeforeTheRelease(t *testing.T) {
	d := newDir(t, Plan{}, "db", "web")
	for _, s := range []string{"db", "web"} {
		lockOf(t, d, ann(), s)
	}
	r := EndRequest{Owner: ann(), LeaveStopped: true, Verdict: func(s string) error {
		if s == "db" {
			return ErrDown
		}
		return nil
	}}
	for _, l := range d.Locks().Locks {
		r.IDs = append(r.IDs, l.ID)
	}
	log := record(d)
	res, err := d.End(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Stopped) != 1 || res.Stopped[0].Service != "db" || res.Stopped[0].Kind != HoldOperatorStop {
		t.Fatalf("stopped %+v, want db alone: web is up", res.Stopped)
	}
	hold := "/holds/db/" + res.Stopped[0].ID + ".toml"
	if err := log.durable(hold); err != nil {
		t.Error(err)
	}
	for _, id := range r.IDs {
		if log.last("rename "+hold) > log.last("rename /ended/"+id+".toml") {
			t.Error("the hold comes after the release")
		}
	}
	var held *HeldError
	if err := d.Do(context.Background(), auto(d, VerbStart, "db"), nothing); !errors.As(err, &held) || len(held.Holds) != 1 {
		t.Errorf("started what was left stopped: %v", err)
	}
	if err := d.Do(context.Background(), auto(d, VerbStart, "web"), nothing); err != nil {
		t.Errorf("web is held: %v", err)
	}
}

func TestF13_EndReturnsAfterItsFsync(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	log := record(d)
	if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
		t.Fatal(err)
	}
	moved := log.last("rename /ended/" + l.ID + ".toml")
	for _, dir := range []string{"/ended", "/locks/service/db"} {
		if log.last("fsync "+dir) < moved {
			t.Errorf("%s is not fsynced after the move", dir)
		}
	}
	epoch := log.last("rename /epoch/db")
	if epoch < 0 || epoch > moved {
		t.Error("no new epoch before the move")
	}
}

func TestEndRefuses(t *testing.T) {
	failing := func(string) error { return errors.New("check http fails: 503") }
	for name, c := range map[string]struct {
		change func(*EndRequest)
		want   func(error) bool
	}{
		"no verdict to be had":  {func(r *EndRequest) { r.Verdict = nil }, isVerify},
		"failing checks":        {func(r *EndRequest) { r.Verdict = failing }, isVerify},
		"down":                  {func(r *EndRequest) { r.Verdict = func(string) error { return ErrDown } }, isVerify},
		"up, but not well":      {func(r *EndRequest) { r.Verdict, r.LeaveStopped = failing, true }, isVerify},
		"somebody else's":       {func(r *EndRequest) { r.Owner = bob() }, func(err error) bool { var e *NotOwnerError; return errors.As(err, &e) }},
		"same account, another": {func(r *EndRequest) { r.Owner.Session = "8" }, func(err error) bool { var e *NotOwnerError; return errors.As(err, &e) }},
		"no such lock":          {func(r *EndRequest) { r.IDs = []string{"nosuch"} }, func(err error) bool { var e *GoneError; return errors.As(err, &e) }},
		"an id with a path":     {func(r *EndRequest) { r.IDs = []string{"../x"} }, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, Plan{}, "db")
			l := lockOf(t, d, ann(), "db")[0]
			e := d.Observe("db").Epoch
			r := end(ann(), l.ID)
			c.change(&r)
			if _, err := d.End(context.Background(), r); !c.want(err) {
				t.Errorf("got %v", err)
			}
			o := d.Observe("db")
			if len(o.Cover.Locks) != 1 || len(o.Cover.Holds) != 0 || o.Epoch != e {
				t.Errorf("refused, and yet something changed: %+v", o)
			}
		})
	}
}

func isVerify(err error) bool { var e *VerifyError; return errors.As(err, &e) }

func TestEndForceNeedsNoVerdict(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	r := end(ann(), l.ID)
	r.Force, r.Verdict = true, func(string) error { return errors.New("fails") }
	res, err := d.End(context.Background(), r)
	if err != nil || !slices.Equal(res.Freed, []string{"db"}) {
		t.Errorf("%+v, %v", res, err)
	}
	ended, bad := d.Ended()
	if len(ended) != 1 || len(bad) != 0 || ended[0].Ended == nil || !ended[0].Ended.Force || !ended[0].Ended.By.Same(ann()) {
		t.Errorf("the record of the end: %+v, %v", ended, bad)
	}
}

func TestEndWaitsForWhatTheOwnerStarted(t *testing.T) {
	d := newDir(t, Plan{}, "db")
	l := lockOf(t, d, ann(), "db")[0]
	inside, leave := make(chan bool), make(chan bool)
	done := make(chan error)
	go func() {
		done <- d.Do(context.Background(), Request{Services: []string{"db"}, Verb: VerbStart, Actor: ann()}, func(*Permit) error { inside <- true; <-leave; return nil })
	}()
	<-inside
	r := end(ann(), l.ID)
	r.Wait = 50 * time.Millisecond
	_, err := d.End(context.Background(), r)
	wantInFlight(t, d, err, "db")
	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := d.End(context.Background(), end(ann(), l.ID)); err != nil {
		t.Error(err)
	}
}
