package configs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/supd/supd/lockfile"
)

// ChangeKind says what became of a service between two plans.
type ChangeKind string

// The kinds. A renamed service is one removed and one added; both Texts say so
// when the identity is the same.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is the difference of one service between two plans.
type Change struct {
	Service      string     `json:"service"`
	Kind         ChangeKind `json:"kind"`
	Keys         []string   `json:"keys"`          // changed keys, such as "command", "restart.policy", "check.ping.every"
	NeedsRestart bool       `json:"needs_restart"` // the running process keeps the old values until its next start
	SameAs       string     `json:"same_as"`       // added, removed: the other name of the same command line, "" if none
	Text         string     `json:"text"`          // in words, without secrets
}

// Diff tells what a reload from old to new would mean for each service, by
// name. A nil old plan has no services. Changes of [daemon], [api],
// [maintenance], groups and standalone checks have Service "" and name their
// keys, such as "daemon.state_dir" or "group.web.services"; there NeedsRestart
// means supd itself.
func Diff(old, new *Plan) []Change {
	if old == nil {
		old = &Plan{Daemon: new.Daemon, API: new.API, Maintenance: new.Maintenance, written: new.written}
	}
	var out []Change
	for _, section := range [...]string{"daemon", "api", "maintenance"} {
		out = appendSection(out, section, old.section(section), new.section(section), old.written[section], new.written[section])
	}
	out = append(out, diffServices(old, new)...)
	for _, name := range unionKeys(old.Groups, new.Groups) {
		out = appendWhole(out, dotted("group", name), old.Groups[name] != nil, new.Groups[name] != nil, func() (flat, flat, bool) {
			a, b := old.Groups[name].flat(), new.Groups[name].flat()
			return a, b, !maps.Equal(a, b)
		})
	}
	for _, name := range unionKeys(old.Checks, new.Checks) {
		out = appendWhole(out, dotted("check", name), old.Checks[name] != nil, new.Checks[name] != nil, func() (flat, flat, bool) {
			a, b := old.Checks[name], new.Checks[name]
			return a.shown(), b.shown(), !maps.Equal(a.flat(), b.flat())
		})
	}
	return out
}

// diffServices compares service by service. Only services that one plan lacks
// can be renamed ones: two names in one plan are two services.
func diffServices(old, new *Plan) []Change {
	was, is := identities(old, new), identities(new, old)
	var out []Change
	for _, name := range unionKeys(old.Services, new.Services) {
		a, b := old.Services[name], new.Services[name]
		switch {
		case a == nil:
			c := Change{Service: name, Kind: Added, Keys: []string{}, SameAs: was[b.Identity()]}
			c.Text = "is new"
			if b.Autostart {
				c.Text = "is new and will be started"
			}
			if c.SameAs != "" {
				c.Text = fmt.Sprintf("is %q under a new name: the same command line; a lock on %q holds it too", c.SameAs, c.SameAs)
			}
			out = append(out, c)
		case b == nil:
			c := Change{Service: name, Kind: Removed, Keys: []string{}, SameAs: is[a.Identity()]}
			c.Text = "is no longer in the config: if it runs, it goes on running and supervised as it was"
			if c.SameAs != "" {
				c.Text += fmt.Sprintf("; %q has the same command line", c.SameAs)
			}
			out = append(out, c)
		case !a.equal(b):
			if c := changed(a, b); len(c.Keys) > 0 {
				out = append(out, c)
			}
		}
	}
	return out
}

// identities gives, for names that one plan has and the other has not, the
// first name of each identity.
func identities(p, other *Plan) map[lockfile.Identity]string {
	out := map[lockfile.Identity]string{}
	for _, name := range sortedKeys(p.Services) {
		if other.Services[name] != nil {
			continue
		}
		id := p.Services[name].Identity()
		if _, ok := out[id]; !ok && id != (lockfile.Identity{}) {
			out[id] = name
		}
	}
	return out
}

// equal is the quick answer for the many services that nobody touched: the
// same text under the same policy for all.
func (s *Service) equal(o *Service) bool {
	if s.Mode != o.Mode || !reflect.DeepEqual(s.Maintenance, o.Maintenance) || !reflect.DeepEqual(s.raw, o.raw) {
		return false
	}
	return !s.expands && !o.expands || reflect.DeepEqual(s.expanded, o.expanded)
}

// changed compares key by key. Text that changed without changing a value (a
// default spelled out) gives no keys.
func changed(a, b *Service) Change {
	before, after := a.flat(), b.flat()
	c := Change{Service: a.Name, Kind: Changed, Keys: changedKeys(before, after)}
	for _, key := range c.Keys {
		c.NeedsRestart = c.NeedsRestart || needsRestart(key, a, b)
	}
	c.Text = inWords(c.Keys, before.only(c.Keys).safe(writtenFlat(a.raw)), after.only(c.Keys).safe(writtenFlat(b.raw)))
	if c.NeedsRestart {
		c.Text += "; takes a restart"
	}
	return c
}

// only is the part of the table with these keys.
func (f flat) only(keys []string) flat {
	out := flat{}
	for _, key := range keys {
		if value, ok := f[key]; ok {
			out[key] = value
		}
	}
	return out
}

// restartKeys are handed to a process when it starts; everything else applies
// at once.
var restartKeys = [...]string{"command", "dir", "user", "group", "groups", "env", "env_file", "umask", "nice", "oom_score_adj", "limits", "log", "log_file", "oneshot"}

// needsRestart reports whether a running process keeps the old value of the key.
func needsRestart(key string, a, b *Service) bool {
	top, _, _ := strings.Cut(key, ".")
	if top == "ready" { // the notify socket is given at the start
		return b.Ready.Mode == ReadyNotify && a.Ready.Mode != ReadyNotify
	}
	return slices.Contains(restartKeys[:], top)
}

// supdRestartKeys are read only when supd itself starts.
var supdRestartKeys = [...]string{"daemon.state_dir", "daemon.run_dir", "api.socket", "api.listen"}

// appendSection compares one of the tables that exist once.
func appendSection(out []Change, name string, a, b flat, rawA, rawB map[string]any) []Change {
	keys := changedKeys(a, b)
	if len(keys) == 0 {
		return out
	}
	c := Change{Kind: Changed, Text: inWords(keys, a.safe(writtenFlat(rawA)), b.safe(writtenFlat(rawB)))}
	for _, key := range keys {
		c.Keys = append(c.Keys, name+"."+key)
		c.NeedsRestart = c.NeedsRestart || slices.Contains(supdRestartKeys[:], name+"."+key)
	}
	c.Text = "[" + name + "] " + c.Text
	if c.NeedsRestart {
		c.Text += "; takes a restart of supd"
	}
	return append(out, c)
}

// appendWhole compares one named table that is no service.
func appendWhole(out []Change, name string, was, is bool, flats func() (old, new flat, differ bool)) []Change {
	switch {
	case !was:
		return append(out, Change{Kind: Added, Keys: []string{name}, Text: "[" + name + "] is new"})
	case !is:
		return append(out, Change{Kind: Removed, Keys: []string{name}, Text: "[" + name + "] is no longer in the config"})
	}
	a, b, differ := flats()
	if !differ {
		return out
	}
	keys := changedKeys(a, b)
	c := Change{Kind: Changed, Text: "[" + name + "] " + inWords(keys, a, b)}
	for _, key := range keys {
		c.Keys = append(c.Keys, name+"."+key)
	}
	return append(out, c)
}

// changedKeys lists what differs, in the order of the alphabet; never nil, so
// that it is a list in JSON.
func changedKeys(a, b flat) []string {
	keys := []string{}
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			keys = append(keys, key)
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}

// inWords lists changes from tables that hold no secrets.
func inWords(keys []string, a, b flat) string {
	words := make([]string, len(keys))
	for i, key := range keys {
		before, was := a[key]
		after, is := b[key]
		switch {
		case !was:
			words[i] = fmt.Sprintf("%s = %s is new", key, after)
		case !is:
			words[i] = fmt.Sprintf("%s = %s is gone", key, before)
		case before == after: // both masked
			words[i] = key + " changed"
		default:
			words[i] = fmt.Sprintf("%s %s → %s", key, before, after)
		}
	}
	return strings.Join(words, ", ")
}

// unionKeys lists the names of both maps once, in the order of the alphabet.
func unionKeys[V any](a, b map[string]V) []string {
	all := make(map[string]bool, len(a)+len(b))
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return sortedKeys(all)
}
