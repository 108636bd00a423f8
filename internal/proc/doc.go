// Package proc knows processes: who they are, when they die and of what, what they use,
// and the cgroups they live in.
//
// Identity is (boot id, pid, start time), so a pid that the kernel gave to somebody
// else is never taken for the old process. A Process is a pidfd that was checked
// against an identity; signals go through it and nowhere else.
//
//	Table ── epoll ──┬─ pidfd of a child     readable: waitid(P_PIDFD) ── exact status, reaped here
//	                 ├─ pidfd of a stranger  readable: zombie's stat field 52; hang-up: PIDFD_GET_INFO
//	                 └─ SIGCHLD (PID 1, subreaper): orphans that nobody waits for
//
// Every child of supd is started through one Table: it is what keeps the reaper from
// taking a status that somebody waits for. What a process may be started *for* is
// decided elsewhere: services only by internal/hands, under a permit.
package proc
