package configs

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Limits is the table [service.NAME.limits]. What is not said stays as supd has it: limits of a process (setrlimit(2))
// are those that supd was started with, its cgroup has none.
type Limits struct {
	Memory     Size    `toml:"memory"`
	MemoryHigh Size    `toml:"memory_high"`
	Swap       *Size   `toml:"swap"`
	CPU        Percent `toml:"cpu"`
	Tasks      uint64  `toml:"tasks"`

	Nofile     CountLimit `toml:"nofile"`
	Nproc      CountLimit `toml:"nproc"`
	Core       SizeLimit  `toml:"core"`
	Memlock    SizeLimit  `toml:"memlock"`
	Stack      SizeLimit  `toml:"stack"`
	AS         SizeLimit  `toml:"as"`
	Data       SizeLimit  `toml:"data"`
	Fsize      SizeLimit  `toml:"fsize"`
	CPUTime    TimeLimit  `toml:"cpu_time"`
	Sigpending CountLimit `toml:"sigpending"`
	Msgqueue   SizeLimit  `toml:"msgqueue"`
	Nice       *int       `toml:"nice"`
	Rtprio     CountLimit `toml:"rtprio"`
	Rttime     TimeLimit  `toml:"rttime"`
}

// ProcessLimit is one limit of a process as the kernel takes it.
type ProcessLimit struct {
	Key        string // such as "limits.nofile"
	Resource   int    // RLIMIT_… of setrlimit(2)
	Soft, Hard uint64 // Unlimited is RLIM_INFINITY
}

// CgroupLimit is one file of a cgroup v2 and what is to stand in it (cgroup-v2.rst of the kernel).
type CgroupLimit struct {
	Key        string // such as "limits.memory"
	Controller string
	File       string
	Value      string // "" of a limit that is not set
}

// niceSpan: RLIMIT_NICE n allows nice values down to 20-n (getrlimit(2)).
const niceSpan = 20

// Processes are the limits of each process that are said, in the order of the table.
func (l *Limits) Processes() []ProcessLimit {
	var out []ProcessLimit
	for _, r := range [...]struct {
		key      string
		resource int
		limit    Rlimit
		per      uint64 // kernel's unit in ours
	}{
		{"nofile", unix.RLIMIT_NOFILE, Rlimit(l.Nofile), 1},
		{"nproc", unix.RLIMIT_NPROC, Rlimit(l.Nproc), 1},
		{"core", unix.RLIMIT_CORE, Rlimit(l.Core), 1},
		{"memlock", unix.RLIMIT_MEMLOCK, Rlimit(l.Memlock), 1},
		{"stack", unix.RLIMIT_STACK, Rlimit(l.Stack), 1},
		{"as", unix.RLIMIT_AS, Rlimit(l.AS), 1},
		{"data", unix.RLIMIT_DATA, Rlimit(l.Data), 1},
		{"fsize", unix.RLIMIT_FSIZE, Rlimit(l.Fsize), 1},
		{"cpu_time", unix.RLIMIT_CPU, Rlimit(l.CPUTime), microsPerSecond},
		{"sigpending", unix.RLIMIT_SIGPENDING, Rlimit(l.Sigpending), 1},
		{"msgqueue", unix.RLIMIT_MSGQUEUE, Rlimit(l.Msgqueue), 1},
		{"nice", unix.RLIMIT_NICE, l.niceLimit(), 1},
		{"rtprio", unix.RLIMIT_RTPRIO, Rlimit(l.Rtprio), 1},
		{"rttime", unix.RLIMIT_RTTIME, Rlimit(l.Rttime), 1},
	} {
		if r.limit.Set {
			out = append(out, ProcessLimit{Key: "limits." + r.key, Resource: r.resource, Soft: r.limit.Soft.in(r.per), Hard: r.limit.Hard.in(r.per)})
		}
	}
	return out
}

func (l *Limits) niceLimit() Rlimit {
	if l.Nice == nil {
		return Rlimit{}
	}
	n := Amount(niceSpan - *l.Nice)
	return Rlimit{Soft: n, Hard: n, Set: true}
}

// cpuPeriod is over which a share of CPUs is counted, in microseconds: the kernel's own default.
const cpuPeriod = 100_000

// Cgroup are the limits of the whole service, the ones that are not set too, with "" for a value: so that a change can
// take one back.
func (l *Limits) Cgroup() []CgroupLimit {
	out := []CgroupLimit{
		{Key: "limits.memory", Controller: "memory", File: "memory.max", Value: l.Memory.digits()},
		{Key: "limits.memory_high", Controller: "memory", File: "memory.high", Value: l.MemoryHigh.digits()},
		{Key: "limits.swap", Controller: "memory", File: "memory.swap.max"},
		{Key: "limits.cpu", Controller: "cpu", File: "cpu.max"},
		{Key: "limits.tasks", Controller: "pids", File: "pids.max"},
	}
	if l.Swap != nil {
		out[2].Value = fmt.Sprint(uint64(*l.Swap)) // 0 is a limit too: no swap
	}
	if l.CPU > 0 {
		out[3].Value = fmt.Sprintf("%d %d", uint64(l.CPU)*cpuPeriod/100, cpuPeriod)
	}
	if l.Tasks > 0 {
		out[4].Value = fmt.Sprint(l.Tasks)
	}
	return out
}

// validate judges [service.NAME.limits]. What the kernel refuses is found out at a start: it depends on who supd is.
func (l *Limits) validate(c *collector, p place) {
	if l.Nice != nil && (*l.Nice < -niceSpan || *l.Nice >= niceSpan) {
		c.add(p.key("nice"), "%d must be between -20 and 19: the lowest nice value that the service may give itself", *l.Nice)
	}
	if l.Memory > 0 && l.MemoryHigh > l.Memory {
		c.add(p.key("memory_high"), "%s must not be above memory %s: it is where the service is slowed down before", l.MemoryHigh, l.Memory)
	}
	const rtprioMax = 99 // sched(7)
	if l.Rtprio.Set && l.Rtprio.Hard > rtprioMax {
		c.add(p.key("rtprio"), "must be at most %d", rtprioMax)
	}
}
