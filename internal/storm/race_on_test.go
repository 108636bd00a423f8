//go:build race

package storm

// buildFlags make the programs under test like the test itself.
var buildFlags = []string{"-race"}
