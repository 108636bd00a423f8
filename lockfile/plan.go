package lockfile

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
}
