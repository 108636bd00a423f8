// Package storm has the storm test: the two built programs, real processes, and a seeded chaos of kills and locks.
//
//	people   several logins that lock, work, end, break, stop and start, and whose supctl is killed midway
//	weather  kills, stops, continues, reloads and upgrades supd, and kills its helpers
//	hunter   kills services, and makes a check fail
//	witness  every service: it writes down its own birth and the signals it gets, and keeps a socket open until it dies
//	judge    reads what all of them wrote down, after the fact, and knows nothing of how supd works
//
// The judge asks what the locks promise (L1, L2), that no service ever runs twice, that a deliberate stop holds and leaves
// nothing behind; after the storm, with every lock ended, that everything comes up again. Times are CLOCK_BOOTTIME. A
// process's fork time is the process connector's (root), else field 22 of /proc/PID/stat, which has steps of 10 ms: the judge
// counts a start as within a lock only if it is for certain.
//
// STORM_FOR says how long it blows (60s), STORM_SEED repeats the choices, though not the races, of an earlier run.
package storm
