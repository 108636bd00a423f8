package configs

// Options change how a config is read. The zero value reads as supd does.
type Options struct {
	// Env answers for ${NAME}; nil: the process's environment.
	Env func(name string) (string, bool)
	// Trust says whether files are judged by owner and mode: TrustAuto judges
	// when the process is root.
	Trust Trust
	// StateDir and RunDir override [daemon] (the command line's flags); "" does not.
	StateDir, RunDir string
	// Observe overrides [daemon] mode and every service's mode.
	Observe bool
}

// Trust is how much the files' owners and modes matter.
type Trust uint8

// TrustAuto judges as root only, TrustAny never, TrustOwned always.
const (
	TrustAuto Trust = iota
	TrustAny
	TrustOwned
)

// Load reads the file and its includes. Either the plan is complete and the
// mistakes are nil, or the plan is nil and there is at least one mistake. It
// reads files and looks users up, and has no other effect.
func Load(path string, opt Options) (*Plan, Mistakes) {
	return nil, nil
}

// LoadBytes is Load for a config that is no file, such as the embedded demo.
// Relative paths in it, includes too, are taken from dir.
func LoadBytes(name, dir string, text []byte, opt Options) (*Plan, Mistakes) {
	return nil, nil
}
