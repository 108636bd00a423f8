// Package core decides what supd does, and does nothing itself.
//
//	     event                      actions
//	exit, check, timer,   ┌──────┐  Observe, Act, AddHold,
//	request, observation ─► Step ├─► ClearHolds, Emit, Reply, Quit
//	  result, reload      └──┬───┘
//	                         │ NextDeadline: the loop's only timer
//	                       State (plain data, survives a re-exec as JSON)
//
// Step is a deterministic function of the state, the event and the time: no
// I/O, no clock, no goroutine, no randomness from outside (jitter comes from a
// seed in the state). The same seed and events give the same actions, byte for
// byte, which is what lets the simulation beside it run 100,000 schedules.
//
// # How an automatic decision is made
//
//	exit/check/timer ─► look: Observe ─► the shell reads epoch, then locks and
//	holds, then the process ─► Observed ─► decide: Act with the tokens of this
//	very observation ─► the gate compares the tokens, reads the locks again and
//	acts, or not ─► Result ─► look again where something is left to do
//
// No other handler than that of Observed makes an automatic Act, so that no
// decision can be older than the lock state it was made from. At most one Act
// is in flight per service, and at most one Observe.
//
// Want (what somebody asked for), Phase (what is) and Holds (why supd does not
// act) are three separate fields. Only enter changes Phase.
//
// # Shell's part of the contract
//
// One goroutine calls Step. Every Observe is answered by exactly one Observed,
// every Act by exactly one Result, every instance reported as running by
// exactly one Exited (in any order with the Result of the Act that started or
// stopped it). A change of lock or hold files is told as HoldsChanged.
package core
