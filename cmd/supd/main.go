// Supd is the daemon: it watches services, restarts what crashed, and acts on nothing that is locked.
package main

import (
	"os"

	"github.com/supd/supd/internal/hands"
)

func main() {
	// A helper keeps a gate shut while it works; it must not wait for flags, config or logging.
	if hands.Helper(os.Args) {
		return
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}
