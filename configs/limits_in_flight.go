package configs

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Fixed says whether a process that runs cannot be given the limit: the stack's is read when a program is executed (its
// memory is laid out by it), and CPU time counts from there, so a new limit could kill what has used more.
func (l ProcessLimit) Fixed() bool {
	return l.Resource == unix.RLIMIT_STACK || l.Resource == unix.RLIMIT_CPU
}

// inFlight says whether a process that runs can be given what the key, such as "limits.nofile", says here. A limit of a
// process that is said no more cannot be taken back: what it would have without it shows only at a start.
func (l *Limits) inFlight(key string) bool {
	for _, p := range l.Processes() {
		if p.Key == key {
			return !p.Fixed()
		}
	}
	return slices.ContainsFunc(l.Cgroup(), func(c CgroupLimit) bool { return c.Key == key })
}
