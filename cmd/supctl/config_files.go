package main

import (
	"maps"
	"slices"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

// diffFromFiles compares the config on disk with the plan that the last daemon
// left in the state directory: names and what they are, no more is known of it.
func (a *app) diffFromFiles(why error) (api.DiffReply, error) {
	r := api.DiffReply{Changes: []api.Change{}, Mistakes: []string{}, Warnings: []string{}}
	plan, mistakes := configs.Load(a.configPath(), configs.Options{StateDir: a.flags.stateDir})
	for _, m := range mistakes {
		r.Mistakes = append(r.Mistakes, m.String())
	}
	if len(mistakes) > 0 {
		return r, nil
	}
	// Without a plan in force there is nothing to compare with; the error says which directory was meant.
	d, err := a.openState()
	if err != nil {
		return r, api.ErrorOf("compare configs", err)
	}
	old, err := d.Plan()
	if err != nil {
		return r, api.ErrorOf("compare configs", err)
	}
	a.hint("%s; compared with the plan in %s", clean(why.Error()), clean(d.Path()))
	r.Changes = changesOf(old.Services, plan.NamesOf().Services)
	return r, nil
}

// changesOf compares by name and identity, in order of the names. An identity that
// differs means another command line, unit or pidfile: another process.
func changesOf(old, new map[string]lockfile.Identity) []api.Change {
	changes := []api.Change{}
	names := slices.Sorted(maps.Keys(old))
	for name := range new {
		if _, had := old[name]; !had {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		was, had := old[name]
		is, has := new[name]
		c := api.Change{Service: name, Keys: []string{}, Details: []api.KeyChange{}}
		switch {
		case !has:
			c.Kind, c.Text = "removed", "gone from the config"
		case !had:
			c.Kind, c.Text = "added", "new"
		case was != is:
			c.Kind, c.NeedsRestart, c.Text = "changed", true, "what it runs has changed"
		default:
			continue
		}
		c.Summary = c.Text
		changes = append(changes, c)
	}
	return changes
}
