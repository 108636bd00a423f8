//go:build race

package e2e

// buildFlags make the programs under test like the test itself.
var buildFlags = []string{"-race"}

// slowness is by how much programs under test are slower than those that people use.
const slowness = 10
