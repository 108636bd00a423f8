package configs

import (
	"slices"
	"strings"
	"time"
)

// positive judges a duration that would mean "at once" or "all the time" as zero.
func positive(c *collector, p place, d time.Duration) {
	if d <= 0 {
		c.add(p, "%s must be longer than zero", formatDuration(d))
	}
}

// references judges the names of others that a service uses.
func (b *builder) references(p place, s *Service) {
	at := p.key("depends_on")
	b.knownServices(at, s.DependsOn)
	for i, name := range s.DependsOn {
		if name == s.Name || name == s.InstanceOf {
			b.c.add(at.element(i), "names the service itself")
		}
	}
	if s.has("maintenance", "require") {
		b.required(p.key("maintenance").key("require"), s, s.Maintenance.Require)
	}
}

// required judges the checks that must pass before a lock is ready; s is nil
// for the policy of all services.
func (b *builder) required(p place, s *Service, names []string) {
	for i, name := range names {
		if b.knownCheck(s, name) {
			continue
		}
		known := sortedKeys(b.plan.Checks)
		if s != nil {
			known = append(known, sortedKeys(s.Checks)...)
		}
		b.c.add(p.element(i), "names the check %q, which is neither a standalone one nor written SERVICE/CHECK%s", name, didYouMean(name, known))
	}
}

// knownCheck reports whether a check is this service's, a standalone one, or
// another service's as SERVICE/CHECK. While a file is broken it may be there.
func (b *builder) knownCheck(s *Service, name string) bool {
	if _, standalone := b.first[joinKey("check", name)]; standalone || b.broken {
		return true
	}
	if s != nil && s.hasCheck(name) {
		return true
	}
	service, check, ok := strings.Cut(name, "/")
	other := b.plan.Services[service]
	if b.plan.instances[service] > 0 { // all are read from one table
		other = b.plan.Services[instanceName(service, 1)]
	}
	return ok && other != nil && other.hasCheck(check)
}

// knownServices judges a list of services' names.
func (b *builder) knownServices(p place, names []string) {
	seen := map[string]bool{}
	for i, name := range names {
		switch {
		case seen[name]:
			b.c.add(p.element(i), "names %q twice", name)
		case b.plan.Services[name] == nil && b.plan.instances[name] == 0 && !b.broken:
			b.c.add(p.element(i), "names %q, which is no service here%s", name, didYouMean(name, append(sortedKeys(b.plan.instances), sortedKeys(b.plan.Services)...)))
		}
		seen[name] = true
	}
}

// dependencies names every circle of depends_on once, at its first service.
func (b *builder) dependencies() {
	const (
		unseen = iota
		onPath
		done
	)
	state := make(map[string]int, len(b.plan.Services))
	var path []string
	var visit func(name string)
	visit = func(name string) {
		s := b.plan.Services[name]
		if s == nil || state[name] == done {
			return
		}
		if state[name] == onPath {
			b.circle(path[slices.Index(path, name):])
			return
		}
		state[name] = onPath
		path = append(path, name)
		for _, next := range s.DependsOn {
			if next != name { // said by references
				visit(next)
			}
		}
		path = path[:len(path)-1]
		state[name] = done
	}
	for _, name := range sortedKeys(b.plan.Services) {
		visit(name)
	}
}

// circle notes names[0] needs … needs names[0].
func (b *builder) circle(names []string) {
	p := b.first[joinKey("service", names[0])].key("depends_on")
	b.c.add(p, "makes a circle: %s", strings.Join(append(names[:len(names):len(names)], names[0]), " needs "))
}
