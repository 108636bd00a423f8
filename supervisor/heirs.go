package supervisor

import (
	"slices"
	"strings"

	"github.com/supd/supd/configs"
)

// orphan is a service that runs although it vanished from the config.
type orphan struct {
	name string
	is   []string // digests of what it was started with, and of what the config wanted it to be when it vanished
}

// orphans are the services that run although they vanished from the config, in order of name.
func (s *Supervisor) orphans() []orphan {
	if !s.services.orphans.Load() {
		return nil
	}
	var found []orphan
	for _, name := range s.services.names() {
		svc := s.services.get(name)
		svc.mu.Lock()
		if svc.orphaned && svc.proc != nil && !svc.exited {
			found = append(found, orphan{name, svc.digestsLocked()})
		}
		svc.mu.Unlock()
	}
	return found
}

// digestsLocked is what a service may be known by under another name: what it was started with, and what it was to be from its next
// start. v.mu is held.
func (v *service) digestsLocked() []string {
	is := []string{v.runs}
	for _, conf := range [...]*configs.Service{v.conf, v.next} {
		if conf != nil {
			is = append(is, conf.Digest())
		}
	}
	return slices.DeleteFunc(is, func(digest string) bool { return digest == "" })
}

// inheritedBy says whether a service of this digest and name would be started in the orphan's place: it is the same under
// another name, or one became several instances, or several became one. Side by side they would share files and ports.
func (o orphan) inheritedBy(name, digest string) bool {
	return digest != "" && slices.Contains(o.is, digest) || instanceOf(name) == o.name || instanceOf(o.name) == name
}

// instanceOf is the name before the "@"; "" if there is none.
func instanceOf(name string) string {
	base, _, found := strings.Cut(name, "@")
	if !found {
		return ""
	}
	return base
}

// placeTaken names the first orphan that runs in the service's place, "" if none does.
func placeTaken(conf *configs.Service, orphans []orphan) string {
	for _, o := range orphans {
		if o.inheritedBy(conf.Name, conf.Digest()) {
			return o.name
		}
	}
	return ""
}

// heirs are the services that only wait for this orphan to end, and for no other, to be started in its place.
func (s *Supervisor) heirs(name string) []string {
	plan, _ := s.inForce()
	all := s.orphans()
	i := slices.IndexFunc(all, func(o orphan) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	this, others := all[i], slices.Delete(slices.Clone(all), i, i+1)
	var names []string
	for _, conf := range plan.Services {
		if conf.Autostart && this.inheritedBy(conf.Name, conf.Digest()) && placeTaken(conf, others) == "" {
			names = append(names, conf.Name)
		}
	}
	return s.inOrder(slices.Sorted(slices.Values(names)))
}
