package configs

import (
	"github.com/supd/supd/lockfile"
)

// service reads one [service.NAME], which stands for several with instances.
func (b *builder) service(p place, name string, raw map[string]any) {
	if _, several := raw["instances"]; several {
		b.instances(p, name, raw)
		return
	}
	b.oneService(p, name, raw)
}

// oneService reads one service: defaults, then the table over them, then its
// checks, then judgement. Names of other services wait until all are read.
func (b *builder) oneService(p place, name string, raw map[string]any) *Service {
	table := b.exp.table(p, raw)
	stateful, _ := table["stateful"].(bool)
	oneshot, _ := table["oneshot"].(bool)
	s := newService(name, stateful, oneshot, b.plan.Daemon, b.plan.Maintenance)
	s.Source, s.raw, s.expanded, s.expands, s.at = p.source(), raw, table, p.src.expands, standing(p, raw)

	// Keys of later versions are known names, only refused; "check" has its own reader.
	refused := b.c.refuse(p, "service", table)
	known := append(refused, "check")
	plain := withoutKey(table, "check")
	b.c.decodeTable(p, plain, known, s)
	// --observe is a promise to touch nothing, whatever a service says.
	if b.opt.Observe {
		s.Mode = ModeObserve
	}
	own, _ := raw["maintenance"].(map[string]any)
	s.Maintenance.written(own)
	if v, ok := table["check"]; ok {
		b.serviceChecks(p.key("check"), s, v)
	}
	s.validate(b.c, p) // after its checks: ready may name one
	b.plan.Services[name] = s
	b.later = append(b.later, func() { b.references(p, s) })
	return s
}

// serviceChecks reads a service's [service.NAME.check.CHECK] tables; at is the
// place of "check".
func (b *builder) serviceChecks(at place, s *Service, v any) {
	tables, ok := v.(map[string]any)
	if !ok {
		b.c.wantType(at, "tables named [service."+s.Name+".check.NAME]", v)
		return
	}
	for _, name := range sortedKeys(tables) {
		here := place{src: at.src, who: `service "` + s.Name + `": `}.named(at.path+keySep+name, "check", name)
		table, ok := tables[name].(map[string]any)
		if !ok {
			b.c.about(here, "must be a table, not %s", showValue(tables[name]))
			continue
		}
		if b.badName(here, "check", name) {
			continue
		}
		if check := b.readCheck(here, s.Name, name, table); check != nil {
			s.Checks[name] = check
		}
	}
}

// check reads one [check.NAME], which belongs to no service and may interlock
// several.
func (b *builder) check(p place, name string, table map[string]any) {
	if check := b.readCheck(p, "", name, table); check != nil {
		check.at = standing(p, table)
		b.plan.Checks[name] = check
	}
}

// group reads one [group.NAME]. An empty group is a mistake: a lock on it would
// hold nothing and look as if it did.
func (b *builder) group(p place, name string, raw map[string]any) {
	table := b.exp.table(p, raw)
	g := &Group{Name: name, Source: p.source(), raw: raw, at: standing(p, raw)}
	b.c.decodeTable(p, table, nil, g)
	b.plan.Groups[name] = g
	if len(g.Services) == 0 {
		b.c.add(p.key("services"), "must name at least one service")
	}
	b.later = append(b.later, func() {
		b.knownServices(p.key("services"), g.Services)
	})
}

// badName notes a name that could not be a file's: names of services and
// groups become directories below the state directory.
func (b *builder) badName(p place, noun, name string) bool {
	if err := lockfile.ValidName(name); err != nil {
		b.c.about(place{src: p.src, path: p.path}, "%s %q: %s", noun, name, err)
		return true
	}
	return false
}

// withoutKey is the table less one key, sharing the values.
func withoutKey(table map[string]any, key string) map[string]any {
	if _, ok := table[key]; !ok {
		return table
	}
	out := make(map[string]any, len(table))
	for k, v := range table {
		if k != key {
			out[k] = v
		}
	}
	return out
}
