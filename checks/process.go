package checks

import (
	"context"
	"time"
)

func init() {
	Register(Kind{
		Name: "process",
		Doc: `Looks at the main process of the service it stands in. Without a process there is nothing to see and the check is ` +
			`unknown, unless it asks for "not exists": that the service is down is not a check's to notice.`,
		Example: `when = ["rss > 400M for 5m", "cpu > 90% for 10m"]
every = "10s"
on_fail = "restart"
`,
		Values: []Term{
			{Name: "exists", Unit: UnitTruth, Doc: "whether there is a main process"},
			{Name: "rss", Unit: UnitBytes, Doc: "resident memory"},
			{Name: "cpu", Unit: UnitPercent, Doc: "of one core, user and system, since the look before; more than 100% with several threads"},
		},
		InService: true,
		NeedsWhen: true,
		New:       func() Config { return &ProcessConfig{} },
	})
}

// ProcessConfig is the table of a check of type process: all it asks stands in `when`.
type ProcessConfig struct{}

// Validate is Config's.
func (*ProcessConfig) Validate() error { return nil }

// Make is Config's.
func (*ProcessConfig) Make() Check { return &processCheck{} }

// cpuSpanMin between two samples: the kernel counts CPU time in ticks of 10 ms.
const cpuSpanMin = 200 * time.Millisecond

type processCheck struct {
	process Process // that last was sampled of
	last    Sample
}

// Run is Check's.
func (c *processCheck) Run(ctx context.Context, env Env) Result {
	if r, stop := canceled(ctx); stop {
		return r
	}
	if env.Process == nil || env.Sample == nil {
		return Unclear("cannot look at processes here")
	}
	p, ok := env.Process()
	if !ok {
		return Unclear("the service has no process").With("exists", Truth(false))
	}
	now, err := env.Sample(ctx, p)
	if err != nil {
		return Unclear("cannot read the figures of pid %d: %s", p.PID, err)
	}
	rss := Bytes(float64(now.RSS))
	cpu, known := c.cpu(p, now)
	if !known {
		return Pass("pid %d: rss %s", p.PID, rss).With("rss", rss).With("exists", Truth(true))
	}
	return Pass("pid %d: rss %s, cpu %s", p.PID, rss, cpu).With("rss", rss).With("cpu", cpu).With("exists", Truth(true))
}

// cpu is the share of one core since the sample before, if that was of the same process and long enough ago.
func (c *processCheck) cpu(p Process, now Sample) (Value, bool) {
	before, same := c.last, c.process == p
	span := now.At.Sub(before.At)
	if same && span < cpuSpanMin {
		return Value{}, false
	}
	c.process, c.last = p, now
	if !same || now.CPU < before.CPU {
		return Value{}, false
	}
	return Percent(100 * float64(now.CPU-before.CPU) / float64(span)), true
}
