// Package lockfile keeps maintenance locks, and the gate that every action on a service passes.
//
// It is a protocol on plain files, so that it holds while the daemon runs, hangs or is dead, across kill -9 at any instruction, and
// across power loss. Everything is under one state directory:
//
//	STATE/format                     marker; without it everything counts as held
//	STATE/supd.lock                  one daemon per state directory; and one look for the own lock on a target at a time
//	STATE/locks/service/NAME/ID.toml a lock on a service, or a copy of one that covers the service
//	STATE/locks/group/NAME/ID.toml   a lock on a group          STATE/locks/host/all/ID.toml  on everything
//	STATE/ended/ID.toml              tombstones: an id in here is no lock, wherever its files stand
//	STATE/holds/NAME/ID.toml         operator stops and restart limits
//	STATE/gates/NAME                 flocked by actions, never replaced
//	STATE/inflight/NAME              what is being done right now; blank when nothing is
//	STATE/epoch/NAME                 token that changes at each release
//	STATE/plan.toml                  the plan in force: names, identities, groups
//	STATE/tmp/                       files not yet renamed, and spares for a full disk
//
// Two things meet at a gate, an action and a lock, and whoever comes first, the other one sees:
//
//	action (Do)                              lock (Lock)
//	───────────                              ───────────
//	take the gate, exclusive                 write the lock file
//	plan still the same?                     fsync it, its directory, every parent
//	record of another action? busy           for each gate:
//	read locks and holds: held?   ◄──────────  take it, shared: waits for the action
//	epoch still the decision's?              ► record alive? let go, wait for it, again
//	look at the process again                  my file still there?
//	write the record                           let go
//	act, with a Permit                       new members meanwhile? their gates too
//	wipe the record, open the gate           done: nothing acts from here on
//
// A lock goes only under all its gates, exclusive: verdict of the try-out, operator stop durable (leave stopped), new epoch, move to ended/,
// fsync, open the gates. A decision made before or during a lock carries an epoch that is no more, or knows that it was made
// under a lock; either way the gate drops it.
//
// What takes longer than a spawn runs in a helper that inherits the gate (Permit.File, OpenInherited). The helper never unlocks, it exits;
// the record tells everybody who it is. A record whose processes are all dead is an interrupted action: it is reported once.
//
// # Unsure means held
//
// Whatever cannot be read holds: garbage in a lock directory, an I/O error, a missing marker. The errors say which file it is. A file in a
// lock directory that is no lock holds as well. Nothing here orders anything by a clock.
//
// # For other programs
//
// A deploy tool asks Cover or takes a Lock; a supervisor of another kind passes its actions through Do. See the examples.
package lockfile
