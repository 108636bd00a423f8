// Package tell writes a line to the terminals of a lock's owner: somebody broke the lock, something came up under it. Nobody
// depends on it: an event says the same, and a terminal that cannot be written to now is left out.
package tell
