package lockfile

import (
	"context"
	"strings"
	"testing"
)

// Whoever lists a directory right before a lock is handed over, and reads right after it, found the old lock gone and had
// not listed the new one: a target that is locked all the while looked free for a moment.
func TestALookWhileALockIsHandedOverFindsOne(t *testing.T) {
	hands := map[string]func(t *testing.T, d *Dir, l Lock){
		"break": func(t *testing.T, d *Dir, l Lock) {
			if _, err := d.Break(context.Background(), BreakRequest{ID: l.ID, NewID: "n0", Owner: bob()}); err != nil {
				t.Error(err)
			}
		},
		"accept": func(t *testing.T, d *Dir, l Lock) {
			if _, err := offer(t, d, l, offerTo(bob())); err != nil {
				t.Error(err)
			}
			if _, err := accept(d, bob(), "n", l.ID); err != nil {
				t.Error(err)
			}
		},
	}
	looks := map[string]func(d *Dir, t Target) int{
		"list":  func(d *Dir, _ Target) int { return len(d.Locks().Locks) },
		"cover": func(d *Dir, _ Target) int { return len(d.Cover("db").Locks) },
		"on":    func(d *Dir, t Target) int { return len(d.LocksOn(t)) },
	}
	for _, target := range []Target{ServiceTarget("db"), GroupTarget("front"), HostTarget()} {
		for how, hand := range hands {
			for look, count := range looks {
				t.Run(look+" while "+how+" of "+target.String(), func(t *testing.T) {
					d := groupDir(t)
					res, err := d.Lock(context.Background(), LockRequest{IDs: []string{"l1"}, Targets: []Target{target}, Owner: ann()})
					if err != nil {
						t.Fatal(err)
					}
					x, err := Open(d.Path(), Options{})
					if err != nil {
						t.Fatal(err)
					}
					home, listed := d.lockDir(target), false
					x.disk.hook = func(op, path string) error {
						switch {
						case op == "list" && path == home:
							listed = true
						case listed && (strings.HasPrefix(path, home+"/") || strings.Contains(path, "l1")):
							x.disk.hook = nil
							hand(t, d, res.Locks[0])
						}
						return nil
					}
					if n := count(x, target); n == 0 {
						t.Error("it looks free")
					}
					if x.disk.hook != nil {
						t.Error("nothing was handed over")
					}
				})
			}
		}
	}
}
