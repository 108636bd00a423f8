package lockfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// planCache keeps the parsed plan.toml. The file is only ever replaced by rename, so another
// plan is another inode or change time.
type planCache struct {
	mu   sync.Mutex
	key  fileKey
	plan Plan
}

// planBytesMax bounds plan.toml, which grows with the number of services.
const planBytesMax = 64 << 20

// Plan reads plan.toml; a missing file is the zero plan. The maps are shared: do not change them.
func (d *Dir) Plan() (Plan, error) {
	key, err := d.keyOf(d.path + "/plan.toml")
	if isAbsent(err) {
		return Plan{}, nil
	}
	if err != nil {
		return Plan{}, err
	}
	d.plans.mu.Lock()
	defer d.plans.mu.Unlock()
	if d.plans.key == key {
		return d.plans.plan, nil
	}
	content, err := d.disk.readMax(d.path+"/plan.toml", planBytesMax)
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	if _, err := decode(content, &p); err != nil {
		return Plan{}, err
	}
	if p.Format < 1 {
		return Plan{}, fmt.Errorf("no format version")
	}
	d.plans.key, d.plans.plan = key, p
	return p, nil
}

// putPlan makes p the plan in force, durable. The caller holds the gates of what changes.
func (d *Dir) putPlan(p Plan) error {
	p.Format = FormatVersion
	content, err := encode(&p, nil)
	if err != nil {
		return err
	}
	tmp, err := d.temp(content, true)
	if err != nil {
		return fmt.Errorf("cannot write the plan: %w", err)
	}
	if err := d.disk.renameOver(tmp, d.path+"/plan.toml"); err != nil {
		d.disk.unlink(tmp)
		return fmt.Errorf("cannot write the plan: %w", err)
	}
	return d.disk.syncDir(d.path)
}

// Resolution is what a target means now.
type Resolution struct {
	Known   bool                // the plan in force or the config on disk has the target
	Members map[string]Identity // its services, and those that share an identity with one of them
}

// Resolve finds the services of a target in plan.toml united with config (nil: plan.toml alone).
func (d *Dir) Resolve(t Target, config *Plan) (Resolution, error) {
	if err := t.Valid(); err != nil {
		return Resolution{}, err
	}
	p, err := d.Plan()
	if err != nil {
		return Resolution{}, fmt.Errorf("cannot read the plan in force %q: %w", d.path+"/plan.toml", err)
	}
	return resolve(t, nil, p, config), nil
}

// resolve also takes members as they were recorded: what they were called then may be called
// something else by now.
func resolve(t Target, recorded map[string]Identity, p Plan, config *Plan) Resolution {
	plans := []Plan{p}
	if config != nil {
		plans = append(plans, *config)
	}
	r := Resolution{Members: maps.Clone(recorded)}
	if r.Members == nil {
		r.Members = map[string]Identity{}
	}
	add := func(name string) {
		for i, q := range plans {
			id, ok := q.identity(name)
			if have, had := r.Members[name]; ok && (i == 0 || !had || have == Identity{}) {
				r.Members[name] = id
			}
		}
		if _, ok := r.Members[name]; !ok && ValidName(name) == nil {
			r.Members[name] = Identity{}
		}
	}
	switch t.Kind {
	case TargetService:
		for _, q := range plans {
			for name := range q.all() {
				if t.Names(name) {
					r.Known = true
					add(name)
				}
			}
		}
		if !r.Known { // in no config: what it means is its own name
			add(t.Name)
		}
	case TargetGroup:
		for _, q := range plans {
			members, ok := q.Groups[t.Name]
			r.Known = r.Known || ok
			for _, m := range members {
				add(m)
			}
		}
	case TargetHost:
		r.Known = true
		for _, q := range plans {
			for name := range q.all() {
				add(name)
			}
		}
		return r
	}
	for _, q := range plans {
		addAliases(&r, plans, q)
	}
	return r
}

// addAliases adds the services of q that share an identity, in whichever plan, with a member.
func addAliases(r *Resolution, plans []Plan, q Plan) {
	mine := map[identityKey]bool{}
	for name, id := range r.Members {
		keysOf(id, mine)
		for _, p := range plans {
			other, _ := p.identity(name)
			keysOf(other, mine)
		}
	}
	for name, id := range q.all() {
		if _, ok := r.Members[name]; !ok && sharesAny(id, mine) {
			r.Members[name] = id
		}
	}
}

// keysOf adds what identifies a service to a set, so that many can be compared without
// comparing each with each.
func keysOf(id Identity, set map[identityKey]bool) {
	for _, k := range id.keys() {
		if k.text != "" {
			set[k] = true
		}
	}
}

// identityKey is a part of an identity as a map key.
type identityKey struct{ kind, text string }

// keys are the parts of an identity; one with an empty text never matches.
func (i Identity) keys() [3]identityKey {
	return [...]identityKey{{"unit", i.Unit}, {"pidfile", i.Pidfile}, {"command", i.Command}}
}

// sharesAny relies on keysOf, which puts no empty text into a set.
func sharesAny(id Identity, set map[identityKey]bool) bool {
	ks := id.keys()
	return slices.ContainsFunc(ks[:], func(k identityKey) bool { return set[k] })
}

func compareID(a, b string) int { return strings.Compare(a, b) }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
