package lockfile

import (
	"context"
	"errors"
	"testing"
)

// The table of verbs and holds.
func TestVerbsAndHolds(t *testing.T) {
	type setup struct{ mine, others, stop, limit, interlock bool }
	for _, c := range []struct {
		name      string
		with      setup
		automatic bool
		change    func(*Request)
		pass      bool
	}{
		{"free, automatic", setup{}, true, nil, true},
		{"free, by hand", setup{}, false, nil, true},
		{"my lock alone", setup{mine: true}, false, nil, true},
		{"my lock, automatic", setup{mine: true}, true, nil, false},
		{"my lock, automatic, in my name", setup{mine: true}, true, func(r *Request) { r.Override = true }, false},
		{"my lock, another session of mine", setup{mine: true}, false, func(r *Request) { r.Actor.Session = "8" }, false},
		{"others hold it too", setup{mine: true, others: true}, false, nil, false},
		{"others hold it too, override", setup{mine: true, others: true}, false, func(r *Request) { r.Override = true }, true},
		{"not mine", setup{others: true}, false, nil, false},
		{"not mine, override", setup{others: true}, false, func(r *Request) { r.Override = true }, false},
		{"operator stop, by hand", setup{stop: true}, false, nil, true},
		{"operator stop, automatic", setup{stop: true}, true, nil, false},
		{"restart limit, by hand", setup{limit: true}, false, nil, true},
		{"restart limit, automatic", setup{limit: true}, true, nil, false},
		{"interlock, by hand", setup{interlock: true}, false, nil, false},
		{"interlock, overridden", setup{interlock: true}, false, func(r *Request) { r.OverrideInterlock = true }, true},
		{"interlock, lock override", setup{interlock: true}, false, func(r *Request) { r.Override = true }, false},
		{"interlock, automatic", setup{interlock: true}, true, func(r *Request) { r.OverrideInterlock = true }, false},
		{"not mine and interlock, all overrides", setup{others: true, interlock: true}, false, func(r *Request) { r.Override, r.OverrideInterlock = true, true }, false},
	} {
		for _, verb := range []Verb{VerbStart, VerbStop, VerbRestart, VerbSignal, VerbReload, VerbExec} {
			t.Run(c.name+"/"+string(verb), func(t *testing.T) {
				d := newDir(t, planOf(nil, "db"))
				if c.with.mine {
					lockOf(t, d, ann(), "db")
				}
				if c.with.others {
					lockOf(t, d, bob(), "--all")
				}
				for kind, want := range map[HoldKind]bool{HoldOperatorStop: c.with.stop, HoldRestartLimit: c.with.limit} {
					if want {
						if _, err := d.AddHold("db", HoldSpec{Kind: kind, By: "bob"}); err != nil {
							t.Fatal(err)
						}
					}
				}
				r := auto(d, verb, "db")
				r.Automatic, r.Actor = c.automatic, ann()
				r.Extra = func(string) []Hold {
					if c.with.interlock {
						return []Hold{{Kind: HoldInterlock, Reason: "disk has errors"}}
					}
					return nil
				}
				if c.change != nil {
					c.change(&r)
				}
				acted := false
				err := d.Do(context.Background(), r, func(*Permit) error { acted = true; return nil })
				var held *HeldError
				if acted != c.pass || c.pass != (err == nil) || !c.pass && !errors.As(err, &held) {
					t.Errorf("acted %v, %v; want pass %v", acted, err, c.pass)
				}
			})
		}
	}
}

func TestStartClearsHoldsAndStopMakesOne(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	stop := Request{Services: []string{"db"}, Verb: VerbStop, Actor: ann(), Hold: &HoldSpec{Kind: HoldOperatorStop, By: "ann", Reason: "moving"}}
	err := d.Do(context.Background(), stop, func(*Permit) error {
		if h, _ := d.ListHolds("db"); len(h) != 1 {
			t.Error("the stop is not on disk before its effect")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Do(context.Background(), stop, nothing); err != nil {
		t.Fatal(err)
	}
	if h, _ := d.ListHolds("db"); len(h) != 1 || h[0].Reason != "moving" {
		t.Errorf("stopped twice: %+v", h)
	}
	old := auto(d, VerbStart, "db")
	start := Request{Services: []string{"db"}, Verb: VerbStart, Actor: ann(), ClearHolds: true}
	err = d.Do(context.Background(), start, func(*Permit) error {
		if h, _ := d.ListHolds("db"); len(h) != 0 {
			t.Errorf("held while it starts: %+v", h)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var stale *StaleError
	if err := d.Do(context.Background(), old, nothing); !errors.As(err, &stale) {
		t.Errorf("a decision from before: %v", err)
	}
}

func TestRemoveHoldsOfAServiceThatIsUpAgain(t *testing.T) {
	d := newDir(t, planOf(nil, "db"))
	lockOf(t, d, ann(), "db")
	for _, k := range []HoldKind{HoldOperatorStop, HoldRestartLimit} {
		if _, err := d.AddHold("db", HoldSpec{Kind: k}); err != nil {
			t.Fatal(err)
		}
	}
	before := d.Observe("db").Epoch
	if n, err := d.RemoveHolds(context.Background(), "db", nil); n != 2 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	o := d.Observe("db")
	if len(o.Cover.Holds) != 0 || len(o.Cover.Locks) != 1 || o.Epoch.Token == before.Token || o.Epoch.Release {
		t.Errorf("%+v", o)
	}
	if n, err := d.RemoveHolds(context.Background(), "db", nil); n != 0 || err != nil || d.Observe("db").Epoch != o.Epoch {
		t.Errorf("nothing to remove: %d, %v", n, err)
	}
}
