//go:build !race

package e2e

// buildFlags make the programs under test like the test itself.
var buildFlags []string
