// Package hands holds every effect on a service: start, stop, signal, and the programs
// that do these things for it.
//
// Each takes the gate's permit first and checks it. What is longer than a spawn runs in
// a helper process, a re-execution of supd's own binary that inherits the gate's open
// file description: the gate stays shut until the effect is over, whether supd lives or
// not.
//
//	supd ──fork──> helper (gate, orders)      supd ──fork──> held child (orders)
//	  record shim    │ EOF: exit, no effect     record target   │ EOF: exit, no effect
//	  "go" ────────> record target; TERM        "go" ─────────> exec: same pid, now the service
//	                 wait; KILL the tree
//	  <── report ─── exit (never LOCK_UN)
package hands
