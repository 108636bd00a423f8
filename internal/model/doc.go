// Package model tries the lock protocol of package lockfile, as it is built, in every order in which its steps can happen.
//
// Each model is a small state machine: people, supd, its helpers and the disk, one atomic step at a time, with kills and power losses
// in between. The checker visits every state that can be reached, breadth first, so that the trace to a broken promise is a shortest one.
//
//	action   one service, one gate: records written in place, helpers, stops that nobody lived to finish, holds cleared when it is up
//	files    one lock with a copy besides its own file: end, break, rewrite, undo, late requests, what a power loss leaves
//	epoch    observation, gate and settle time against releases, hand-overs and holds that are cleared
//
// A rule of the protocol is a field of the model's rules, true as it is built. A mutant takes one rule away and must be found out, or
// the model would not be able to fail. docs/protocol.md has the protocol, the results, and what is not modelled.
//
// A change of the protocol is made here first.
package model
