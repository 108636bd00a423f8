package storm

import (
	"context"
	"slices"
	"syscall"
	"time"
)

// ambushMax is how long after a crash supd is stopped at the latest: by then it has usually repaired it.
const ambushMax = 2 * time.Millisecond

// ambush stops supd between what it saw of a crash and what it does about it, and takes the lock meanwhile, on its files.
// What supd does when it goes on was decided before the lock was there.
func (p *somebody) ambush(ctx context.Context) {
	prey := p.w.reg.living(func(n note) bool { return !n.Child && !isJob(n.Name) })
	if len(prey) == 0 {
		return
	}
	victim := prey[p.rng.IntN(len(prey))]
	target := victim.Name
	supd := p.w.d.process()
	disturbed := p.w.facts.begin(&call{verb: doDisturb, person: nobody})
	p.w.reg.shoot(victim, syscall.SIGKILL)
	for stop := now().after(p.some(ambushMax)); now() < stop; {
		// A timer would be too coarse.
	}
	supd.Signal(syscall.SIGSTOP)
	lock := call{verb: doLock, targets: []string{target}, labels: named(target)}
	lock = p.doesAt(nobodysSocket, lock, "maintenance", "start", "-m", "ambush", "--wait", "200ms", target)
	supd.Signal(syscall.SIGCONT)
	p.w.facts.end(disturbed, func(c *call) { c.sure = true })
	p.w.stats.count("ambush", ending{Code: lock.code, Killed: !lock.sure})
	if !lock.sure || slices.Contains([]int{0, 6, 7}, lock.code) {
		pause(ctx, p.some(50*time.Millisecond)) // what was decided before happens at once, or never
		p.does(call{verb: doEnd, targets: []string{target}}, "maintenance", "end", "--force", "--wait", "8s", target)
	}
}
