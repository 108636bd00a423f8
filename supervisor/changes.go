package supervisor

import (
	"fmt"
	"slices"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
)

// changes is what a reload from old to next means, as the wire shows it.
func (s *Supervisor) changes(old, next *configs.Plan) []api.Change {
	out := []api.Change{}
	diff := configs.Diff(old, next)
	lost := s.lockedAndGone(diff)
	for _, c := range diff {
		w := api.Change{Service: c.Service, Kind: string(c.Kind), Keys: c.Keys, NeedsRestart: c.NeedsRestart, Text: c.Text, Summary: c.Summary, Details: []api.KeyChange{}}
		for _, d := range c.Details {
			w.Details = append(w.Details, api.KeyChange{Key: d.Key, From: d.From, To: d.To, Effect: string(d.Effect)})
		}
		if c.Service != "" {
			w.Locked = len(s.dir.Cover(c.Service).Locks) > 0
			addText(&w, s.settledBy(c, w.Locked))
			if c.Kind == configs.Added && c.SameAs == "" && lost != "" {
				w.Locked = true
				addText(&w, fmt.Sprintf("%q, which is locked, vanishes with this change: it may be that under a new name, so the lock holds it too", lost))
			}
			if w.Locked {
				w.Text += "; it is locked and not touched" // in the summary the reader puts it, from Locked
			}
		}
		out = append(out, w)
	}
	return append(out, s.stillPending(out)...)
}

// lockedAndGone is a service that a change takes out of the config while it is locked, "" if there is none.
func (s *Supervisor) lockedAndGone(diff []configs.Change) string {
	for _, c := range diff {
		if c.Service != "" && c.Kind == configs.Removed && slices.ContainsFunc(s.dir.Cover(c.Service).Locks, func(l lockfile.Lock) bool { return l.Target.Kind != lockfile.TargetHost }) {
			return c.Service
		}
	}
	return ""
}

// addText says one thing more about a change.
func addText(c *api.Change, more string) {
	if more != "" {
		c.Text, c.Summary = c.Text+"; "+more, c.Summary+"; "+more
	}
}

// settledBy is what puts the rest of a change in force.
func (s *Supervisor) settledBy(c configs.Change, locked bool) string {
	svc := s.services.get(c.Service)
	runs := svc != nil && svc.running() != nil
	switch {
	case c.Kind == configs.Changed && c.NeedsRestart && locked:
		return "pending until its lock has ended, and then until supctl reload --apply or its next restart"
	case c.Kind == configs.Changed && c.NeedsRestart && runs:
		return "pending until supctl reload --apply or its next restart"
	case c.Kind == configs.Changed && c.NeedsRestart:
		return "it does not run: in force at its next start"
	case c.Kind == configs.Removed && runs:
		return "supctl reload --apply stops it"
	}
	return ""
}

// stillPending is what earlier reloads left to --apply, apart from what is listed already.
func (s *Supervisor) stillPending(listed []api.Change) []api.Change {
	var out []api.Change
	for _, name := range s.pendingNames() {
		if slices.ContainsFunc(listed, func(c api.Change) bool { return c.Service == name }) {
			continue
		}
		c := api.Change{Service: name, Kind: string(configs.Changed), Keys: []string{}, Details: []api.KeyChange{}, NeedsRestart: true,
			Text: "runs with an older config since an earlier reload: supctl reload --apply, or its next restart, settles it"}
		svc := s.services.get(name)
		svc.mu.Lock()
		switch {
		case !svc.orphaned:
		case svc.proc != nil && !svc.exited:
			c.Kind, c.Text = string(configs.Removed), "is no longer in the config since an earlier reload and still runs: supctl reload --apply stops it"
		default:
			c.Kind, c.Text = string(configs.Removed), "is no longer in the config since an earlier reload, and does not run: supctl reload --apply forgets it"
		}
		svc.mu.Unlock()
		if c.Locked = len(s.dir.Cover(name).Locks) > 0; c.Locked && c.Kind == string(configs.Changed) {
			c.Text = "keeps an older config since an earlier reload until its lock has ended: then supctl reload --apply, or its next restart, settles it"
		}
		c.Summary = c.Text
		out = append(out, c)
	}
	return out
}
