// Package sim is the simulation of the decision core: only tests live here.
//
// A seed makes a world: services with dependencies, processes with pids that are
// used again, people who lock, work, stop, forget and come back, a daemon that
// dies at any step. The world's gate, observation and perform are models of
// lockfile and the shell, cut into the steps between which a real one can be
// interrupted; the core is the real one. An oracle that knows nothing of the
// core's state judges every effect.
//
//	SIM_SEED=n       replay one seed, with a trace
//	SIM_SCHEDULES=n  how many to run
package sim
