package lockfile

import (
	"fmt"
	"maps"
	"slices"
)

// spread hangs copies of locks on every service that they cover under the old plan or the next, and on services of the next plan
// that are, under whatever name, what a lock was taken on or covers: they share an identity. So what was covered once stays
// covered, whatever becomes of the group through which it was, or of its name. Under the affected gates, before the plan is in force.
func (d *Dir) spread(old, next Plan, vanished []string) error {
	at, byKey := hangings[string]{}, hangings[identityKey]{}
	known := func(id Identity, l Lock) {
		for _, k := range id.keys() {
			if k.text != "" {
				byKey.on(k, l)
			}
		}
	}
	knownAs := func(name string, l Lock) {
		id, _ := old.identity(name)
		known(id, l)
	}
	locks := slices.DeleteFunc(d.Locks().Locks, coversAll)
	if len(locks) == 0 {
		return nil
	}
	for _, l := range locks {
		for s, id := range l.Members {
			known(id, l)
			knownAs(s, l)
		}
		if l.Target.Kind == TargetService {
			knownAs(l.Target.Name, l)
		}
		if l.Target.Kind == TargetGroup {
			for _, s := range next.Groups[l.Target.Name] {
				at.on(s, l)
			}
		}
	}
	var names []string
	for s := range old.all() {
		names = append(names, s)
	}
	for s, c := range d.Snapshot(names) {
		for _, l := range slices.DeleteFunc(c.Locks, coversAll) {
			knownAs(s, l)
			at.on(s, l)
		}
	}
	for s, id := range next.all() {
		for _, k := range id.keys() {
			for _, l := range byKey[k] {
				at.on(s, l)
			}
		}
	}
	for s := range appeared(old, next) {
		for _, was := range vanished {
			for _, l := range at[was] {
				at.on(s, l)
			}
		}
	}
	return d.hang(at)
}

// appeared are the services of the next plan that the old one knew neither by name nor by what they are. When a locked service vanishes
// in the same change, one of them may be it, under a new name and with a new command: an upgrade under the lock. Nobody can tell, so
// the lock holds them, too.
func appeared(old, next Plan) map[string]bool {
	known := map[identityKey]bool{}
	for _, id := range old.all() {
		keysOf(id, known)
	}
	out := map[string]bool{}
	for s, id := range next.Services {
		if _, was := old.identity(s); !was && !sharesAny(id, known) {
			out[s] = true
		}
	}
	return out
}

// carryStops gives services that have a new name the operator stops of those that vanished, and were the same: what somebody stopped
// stays stopped. Under the affected gates, before the plan is in force.
func (d *Dir) carryStops(old, next Plan, vanished []string) error {
	for _, was := range vanished {
		holds, _ := d.ListHolds(was)
		holds = slices.DeleteFunc(holds, func(h Hold) bool { return h.Kind != HoldOperatorStop })
		if len(holds) == 0 {
			continue
		}
		keys := map[identityKey]bool{}
		id, _ := old.identity(was)
		keysOf(id, keys)
		for s, is := range next.Services {
			if _, had := old.identity(s); had || !sharesAny(is, keys) {
				continue
			}
			h := holds[0]
			if _, err := d.AddHold(s, HoldSpec{Kind: h.Kind, By: h.By, Reason: h.Reason, TTY: h.TTY, LockID: h.LockID}); err != nil {
				return fmt.Errorf("cannot carry the stop of %q over to %q, its new name: %w", was, s, err)
			}
		}
	}
	return nil
}

// hangings is which locks belong on what, each once.
type hangings[K comparable] map[K]map[string]Lock

func (h hangings[K]) on(k K, l Lock) {
	if h[k] == nil {
		h[k] = map[string]Lock{}
	}
	h[k][l.ID] = l
}

func coversAll(l Lock) bool { return l.Target.Kind == TargetHost }

// hang makes copies of locks in the directories of services, durable. One that ended meanwhile is not hung.
func (d *Dir) hang(at hangings[string]) error {
	var dirs []string
	for _, s := range slices.Sorted(maps.Keys(at)) {
		for _, id := range slices.Sorted(maps.Keys(at[s])) {
			l := at[s][id]
			if l.Target == ServiceTarget(s) || !d.atHome(l) {
				continue
			}
			err := d.copyTo(d.lockFile(l.Target, id), id, s)
			if isAbsent(err) && !d.atHome(l) {
				continue
			}
			if err != nil {
				return fmt.Errorf("cannot hang lock %s on %q: %w", id, s, err)
			}
			dirs = append(dirs, d.lockDir(ServiceTarget(s)))
		}
	}
	if len(dirs) == 0 {
		return nil
	}
	return d.syncUp(slices.Compact(dirs)...)
}

// Copies are the services in whose directories a lock's file stands, sorted: those that it covers whatever the plan says. Looks into
// the directory of every service.
func (d *Dir) Copies(l Lock) []string {
	var bad []Unreadable // who cannot be read counts as locked anyway
	var names []string
	for _, t := range d.standing(l.ID, &bad) {
		if t.Kind == TargetService && t != l.Target {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names
}
