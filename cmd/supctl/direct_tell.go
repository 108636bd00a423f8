package main

import (
	"fmt"
	"strings"

	"github.com/supd/supd/internal/tell"
	"github.com/supd/supd/lockfile"
)

// tellOwner writes to the terminals of somebody whose lock this is about, as supd would, and says whether they know it now. What no
// terminal shows, their next supctl command tells.
func (d *direct) tellOwner(o lockfile.Owner, text string) string {
	told, _ := tell.Owner(o, text) // each terminal has its own reason not to take it, and none is an obstacle
	if len(told) == 0 {
		return fmt.Sprintf("%s has no terminal that shows it, and is told by their next supctl command", o)
	}
	return fmt.Sprintf("%s is told on %s", o, strings.Join(told, ", "))
}
