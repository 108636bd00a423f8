package configs

import "embed"

// shipped holds the demo and the examples exactly as a reader finds them in
// the repository; a test loads each.
//
//go:embed demo.toml examples
var shipped embed.FS

// Demo is the config of supd --demo. Its state and run directories come from
// the caller (Options.StateDir, Options.RunDir).
func Demo() []byte {
	text, err := shipped.ReadFile("demo.toml")
	if err != nil {
		panic("configs: demo.toml is embedded: " + err.Error()) // cannot happen in a program that was built
	}
	return text
}
