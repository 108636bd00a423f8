// Package supervisor is the shell around the decision core: it watches, does what the core decided, and answers the API.
//
//	exits, checks, timer, watcher, API ──► events ──► loop: core.Step ──► actions
//	                 ▲                                                      │
//	                 └── Observed, Result ◄── observe, perform (workers) ◄──┘
//	                                             │
//	                                      lockfile.Dir.Do ──► permit ──► hands
//
// One goroutine, the loop, owns the core's state and the only timer. It never waits for a disk, a gate or a process:
// workers do, one goroutine per observation or action, and come back with an event. An effect on a service exists in
// one place, perform.go, inside the gate.
package supervisor
