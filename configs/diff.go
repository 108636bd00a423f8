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
	Service      string      `json:"service"`
	Kind         ChangeKind  `json:"kind"`
	Keys         []string    `json:"keys"`          // changed keys, such as "command", "restart.policy", "check.ping.every"
	NeedsRestart bool        `json:"needs_restart"` // the running process keeps the old values until its next start
	SameAs       string      `json:"same_as"`       // added, removed: the other name of the same command line, "" if none
	Details      []KeyChange `json:"details"`       // changed: each key, in the order of Keys
	Summary      string      `json:"summary"`       // which keys, and what becomes of them: no values
	Text         string      `json:"text"`          // all of it in words, without secrets
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
	out = appendFiles(out, old, new)
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
			c.Text = newText(b)
			if c.SameAs != "" {
				c.Text = fmt.Sprintf("is %q under a new name: the same command line; a lock on %q holds it too", c.SameAs, c.SameAs)
			}
			c.Summary, c.Details = c.Text, []KeyChange{}
			out = append(out, c)
		case b == nil:
			c := Change{Service: name, Kind: Removed, Keys: []string{}, SameAs: is[a.Identity()]}
			c.Text = "orphaned: is no longer in the config; if it runs, it goes on running and supervised as it was"
			if c.SameAs != "" {
				c.Text += fmt.Sprintf("; %q has the same command line", c.SameAs)
			}
			c.Summary, c.Details = c.Text, []KeyChange{}
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
// same text. What they inherit is a change of the table that they inherit from.
func (s *Service) equal(o *Service) bool {
	return reflect.DeepEqual(s.raw, o.raw) && (!s.expands && !o.expands || reflect.DeepEqual(s.expanded, o.expanded))
}

// differs finds keys whose value or whose text differs, named as for part: few, while a service has a hundred.
func (s *Service) differs(o *Service) func(key, check string) bool {
	a, b := reflect.ValueOf(s).Elem(), reflect.ValueOf(o).Elem()
	index := fieldIndex(a.Type())
	return func(key, check string) bool {
		if key == checkTable {
			textA, _ := s.raw[checkTable].(map[string]any)
			textB, _ := o.raw[checkTable].(map[string]any)
			return !reflect.DeepEqual(s.Checks[check], o.Checks[check]) || !reflect.DeepEqual(textA[check], textB[check])
		}
		if at, is := index[key]; is && !reflect.DeepEqual(a.FieldByIndex(at).Interface(), b.FieldByIndex(at).Interface()) {
			return true
		}
		return !reflect.DeepEqual(s.raw[key], o.raw[key])
	}
}

// inherited are keys that neither table has: they come from [daemon] and
// [maintenance], and change there, once for all.
func inherited(keys []string, a, b flat) []string {
	return slices.DeleteFunc(keys, func(key string) bool {
		if key != "mode" && !strings.HasPrefix(key, "maintenance.") {
			return false
		}
		_, before := a[key]
		_, after := b[key]
		return !before && !after
	})
}

// newText says what becomes of a new service.
func newText(s *Service) string {
	switch {
	case s.Oneshot && s.Autostart:
		return "is new: a job, and will be run"
	case s.Oneshot:
		return "is new: a job, which runs when it is asked to"
	case s.Autostart:
		return "is new and will be started"
	}
	return "is new and not started: autostart = false"
}

// changed compares key by key. Text that changed without changing a value (a
// default spelled out) gives no keys.
func changed(a, b *Service) Change {
	before, writtenA := a.part(a.differs(b))
	after, writtenB := b.part(a.differs(b))
	c := Change{Service: a.Name, Kind: Changed, Keys: inherited(changedKeys(before, after), writtenA, writtenB)}
	c.detail(before.only(c.Keys).safe(writtenA), after.only(c.Keys).safe(writtenB), func(key string) Effect {
		if needsRestart(key, a, b) {
			return EffectRestart
		}
		return EffectNow
	})
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
var restartKeys = [...]string{"command", "dir", "user", "group", "groups", "env", "env_file", "umask", "nice", "oom_score_adj", "log", "log_file", "oneshot", "watchdog", "listen"}

// needsRestart reports whether a running process of a keeps its old value of the key until it is started as b.
func needsRestart(key string, a, b *Service) bool {
	top, _, _ := strings.Cut(key, ".")
	if top == "ready" || top == "on_reload" { // the notify socket is given at the start
		return b.Notifies() && !a.Notifies()
	}
	if top == "limits" {
		return !b.Limits.inFlight(key)
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
	c := Change{Kind: Changed, Keys: keys}
	c.detail(a.safe(writtenFlat(rawA)), b.safe(writtenFlat(rawB)), func(key string) Effect {
		if slices.Contains(supdRestartKeys[:], name+"."+key) {
			return EffectSupd
		}
		return EffectNow
	})
	return append(out, c.of(name))
}

// appendWhole compares one named table that is no service.
func appendWhole(out []Change, name string, was, is bool, flats func() (old, new flat, differ bool)) []Change {
	if !was || !is {
		c := Change{Kind: Added, Keys: []string{name}, Details: []KeyChange{}, Text: "[" + name + "] is new"}
		if !is {
			c.Kind, c.Text = Removed, "["+name+"] is no longer in the config"
		}
		c.Summary = c.Text
		return append(out, c)
	}
	a, b, differ := flats()
	if !differ {
		return out
	}
	c := Change{Kind: Changed, Keys: changedKeys(a, b)}
	c.detail(a, b, func(string) Effect { return EffectNow })
	return append(out, c.of(name))
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
