package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/supd/supd/internal/doctor"
	"github.com/supd/supd/internal/stray"
	"github.com/supd/supd/lockfile"
)

// isolation looks for what else could act on the services of targets, as the config on disk has them, beside what the caller
// goes on with. Without a config that can be read their commands are not known, which is said.
func (d *direct) isolation(ctx context.Context, targets []lockfile.Target) (answer func() doctor.Report) {
	done := make(chan doctor.Report, 1)
	go func() {
		services, err := d.commands(targets)
		r := doctor.Look(ctx, "/", services)
		if err != nil {
			r.Unseen = append(r.Unseen, fmt.Sprintf("what the services run is not known: %v", err))
		}
		done <- r
	}()
	return func() doctor.Report { return <-done }
}

// commands are the services of targets with what they run.
func (d *direct) commands(targets []lockfile.Target) ([]doctor.Target, error) {
	plan, err := d.whole()
	if err != nil {
		return nil, err
	}
	names := plan.NamesOf()
	lp := lockfile.Plan{Services: names.Services, Groups: names.Groups}
	members := map[string]bool{}
	for _, t := range targets {
		r, err := d.dir.Resolve(t, &lp)
		if err != nil {
			return nil, err
		}
		for name := range r.Members {
			members[name] = true
		}
	}
	var out []doctor.Target
	for _, name := range slices.Sorted(maps.Keys(members)) {
		conf := plan.Services[name]
		if conf == nil {
			continue
		}
		t := doctor.Target{Service: name, Argv: conf.Command}
		if w, ok := stray.Of(name, conf.Command, conf.Dir, []string{"PATH=" + os.Getenv("PATH")}); ok {
			t.Program = w.Program()
		}
		out = append(out, t)
	}
	return out, nil
}
