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
	target := p.service()
	prey := p.w.reg.living(func(n note) bool { return !n.Child && n.Name == target })
	if len(prey) == 0 {
		return
	}
	supd := p.w.d.process()
	disturbed := p.w.facts.begin(&call{verb: doDisturb, person: nobody})
	p.w.reg.shoot(prey[0], syscall.SIGKILL)
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
		pause(ctx, p.some(100*time.Millisecond))
		p.end([]string{target})
	}
}
