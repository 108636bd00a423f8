package lockfile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/supd/supd/lockfile"
)

// stateDir is a new state directory that knows one service.
func stateDir() (*lockfile.Dir, func()) {
	tmp, err := os.MkdirTemp("", "lockfile-example-")
	if err != nil {
		panic(err)
	}
	path := filepath.Join(tmp, "state")
	if err := lockfile.Init(path, true); err != nil {
		panic(err)
	}
	d, err := lockfile.Open(path, lockfile.Options{})
	if err != nil {
		panic(err)
	}
	return d, func() { os.RemoveAll(tmp) }
}

// A deploy script takes a lock, works, and gives it back.
func ExampleDir_Lock() {
	d, remove := stateDir()
	defer remove()
	ctx := context.Background()
	me := lockfile.Owner{Name: "ann", UID: 1001, LoginUID: 1001, Session: "7"}

	id := lockfile.NewID()
	_, err := d.Lock(ctx, lockfile.LockRequest{
		IDs: []string{id}, Targets: []lockfile.Target{lockfile.ServiceTarget("db")}, Owner: me, Reason: "schema change"})
	fmt.Println("locked:", err == nil)

	// From here on no automation touches db. To give it back, say that it is well.
	well := func(service string) error { return nil }
	res, err := d.End(ctx, lockfile.EndRequest{IDs: []string{id}, Owner: me, Verdict: well})
	fmt.Println("released:", res.Freed, err)
	// Output:
	// locked: true
	// released: [db] <nil>
}

// A tool that restarts services asks before it does, and acts only inside the gate.
func ExampleDir_Do() {
	d, remove := stateDir()
	defer remove()
	ctx := context.Background()
	ann := lockfile.Owner{Name: "ann", UID: 1001, LoginUID: 1001, Session: "7"}
	if _, err := d.Lock(ctx, lockfile.LockRequest{IDs: []string{"x1"}, Targets: []lockfile.Target{lockfile.ServiceTarget("db")}, Owner: ann, Reason: "schema change"}); err != nil {
		panic(err)
	}

	seen := d.Observe("db")
	err := d.Do(ctx, lockfile.Request{
		Services: []string{"db"}, Verb: lockfile.VerbRestart, Automatic: true,
		Decisions: map[string]lockfile.Decision{"db": {PlanGen: seen.PlanGen, Epoch: seen.Epoch.Token, Clean: seen.Cover.Clean()}},
	}, func(p *lockfile.Permit) error {
		fmt.Println("restarting") // not reached
		return nil
	})
	var held *lockfile.HeldError
	if errors.As(err, &held) {
		fmt.Printf("%s is held by %s: %s\n", held.Service, held.Locks[0].Owner.Name, held.Locks[0].Reason)
	}
	// Output: db is held by ann: schema change
}

// A script asks whether a service is free. What cannot be read is not free.
func ExampleDir_Cover() {
	d, remove := stateDir()
	defer remove()
	fmt.Println("free:", d.Cover("db").Clean())
	os.MkdirAll(d.Path()+"/locks/service/db", 0o755)
	os.WriteFile(d.Path()+"/locks/service/db/x1.toml", []byte("garbage"), 0o644)
	fmt.Println("free:", d.Cover("db").Clean())
	// Output:
	// free: true
	// free: false
}
