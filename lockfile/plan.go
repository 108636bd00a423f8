package lockfile

import "iter"

// Identity is what a service is, apart from its name: two names with a common identity are one
// service to a lock. Empty fields never match. Everybody can read it, so a command with secrets
// belongs here as a digest.
type Identity struct {
	Unit    string `toml:"unit,omitempty"`
	Pidfile string `toml:"pidfile,omitempty"`
	Command string `toml:"command,omitempty"`
}

// Shares says whether both mean the same unit, pidfile or command.
func (i Identity) Shares(o Identity) bool {
	return i.Unit != "" && i.Unit == o.Unit || i.Pidfile != "" && i.Pidfile == o.Pidfile || i.Command != "" && i.Command == o.Command
}

// Plan is what is in force: plan.toml. supd writes it, everybody resolves targets by it.
type Plan struct {
	Format     int                 `toml:"format"`
	Generation uint64              `toml:"generation"` // grows by one at each reload
	Services   map[string]Identity `toml:"services"`
	Groups     map[string][]string `toml:"groups"`

	// Gone are services that the config has no more and that supd has all the same: they go on as they were. They can be
	// locked, and a lock on one of them is one on what has its identity now, and the other way round.
	Gone map[string]Identity `toml:"gone,omitempty"`
}

// identity is what a name means, also one that is gone.
func (p *Plan) identity(name string) (id Identity, ok bool) {
	if id, ok = p.Services[name]; !ok {
		id, ok = p.Gone[name]
	}
	return id, ok
}

// all goes through the services, also those that are gone.
func (p *Plan) all() iter.Seq2[string, Identity] {
	return func(yield func(string, Identity) bool) {
		for name, id := range p.Services {
			if !yield(name, id) {
				return
			}
		}
		for name, id := range p.Gone {
			if _, again := p.Services[name]; !again && !yield(name, id) {
				return
			}
		}
	}
}
