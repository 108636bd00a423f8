// Package checks looks at services and at what they stand on, and says what it saw.
//
//	config table ─▶ Lookup(type).New() ─▶ Config ─▶ Options.Complete, Validate ─▶ Config.Make() ─▶ Check
//
//	Scheduler ── one heap, one timer ──▶ Check.Run(ctx, Env) ──▶ Result: ok | failing | unknown, with the reason
//	                                                               │
//	                                      Watch: when (values, for, changed) ─▶ tolerance (fail_after, recover_after)
//	                                                               │
//	                                            Report{Result, Change} ──▶ the callback, which decides; nothing here acts
//
// A check type is one file that registers itself in init with Register; the conformance test walks all of them.
//
// What a checked peer does (silence, one byte a second, an endless body, garbage) is bounded by the check's timeout and by
// named limits of memory, and delays no other check. "Unknown" means that nobody could look: it never counts as failed.
//
// The package starts no process and keeps no descriptor of one: Env carries the functions for both.
package checks
