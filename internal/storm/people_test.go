package storm

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// somebody is one person at a terminal, who does one thing at a time.
type somebody struct {
	id    int
	login *login
	rng   *rand.Rand
	w     *world
}

// live is a person's day in the storm.
func (p *somebody) live(ctx context.Context) {
	for pause(ctx, p.some(300*time.Millisecond)) {
		switch n := p.rng.IntN(100); {
		case n < 48:
			p.window(ctx)
		case n < 60:
			for range 4 {
				p.ambush(ctx)
			}
		case n < 70:
			p.act()
		case n < 80:
			p.revive()
		case n < 84:
			p.breaks()
		case n < 87:
			p.takesOver()
		case n < 90:
			p.does(call{verb: doApply, labels: labels()}, "reload", "--apply")
		case n < 95:
			p.does(call{verb: doList}, "maintenance", "list")
		default:
			p.endAll()
		}
	}
}

func (p *somebody) some(most time.Duration) time.Duration {
	return time.Duration(p.rng.Int64N(int64(most)))
}

func (p *somebody) pick(from ...string) string { return from[p.rng.IntN(len(from))] }

// target is what a person locks.
func (p *somebody) target() string {
	switch n := p.rng.IntN(20); {
	case n == 0:
		return "--all"
	case n < 4:
		return p.pick("@front", "@back")
	}
	return p.service()
}

func (p *somebody) service() string { return p.pick(append(labels(), renamed)...) }

// window is a piece of maintenance: lock, work, end.
func (p *somebody) window(ctx context.Context) {
	targets := []string{p.target()}
	if p.rng.IntN(6) == 0 && targets[0] != "--all" {
		targets = append(targets, p.target())
	}
	if slices.Contains(targets, "--all") || len(targets) == 2 && targets[0] == targets[1] {
		targets = targets[:1]
	}
	// Crashes that supd is just about to repair are when a lock is hardest to take.
	barrage, over := context.WithCancel(ctx)
	if p.rng.IntN(2) == 0 {
		go p.barrage(barrage, targets)
	}
	locked := p.lock(targets)
	over()
	if !locked {
		return
	}
	for n := p.rng.IntN(4); n > 0; n-- {
		p.work(ctx, targets)
	}
	if p.rng.IntN(4) == 0 && p.offers(targets) {
		return // it is somebody else's by and by, or ended with all the rest
	}
	p.end(targets)
}

// lock returns whether there may be a lock to end.
func (p *somebody) lock(targets []string) bool {
	c := call{verb: doLock, targets: targets, bring: p.rng.IntN(4) == 0}
	args := append([]string{"maintenance", "start", "-m", "storm", "--wait", "8s"}, targets...)
	for _, t := range targets {
		c.labels = append(c.labels, named(t)...)
	}
	if c.bring {
		args = append(args, "--stop")
	}
	c = p.does(c, args...)
	return !c.sure || c.code == 0 || c.code == 6 || c.code == 7
}

// work is what people do under their locks.
func (p *somebody) work(ctx context.Context, targets []string) {
	switch n := p.rng.IntN(10); {
	case n < 3:
		p.crash(targets)
	case n < 6:
		pause(ctx, p.some(800*time.Millisecond))
	case n < 7:
		p.does(call{verb: doList}, "maintenance", "list")
	case n < 8 && strings.Contains(targets[0], "--"):
		pause(ctx, p.some(time.Second))
	default:
		p.verb(targets[0])
	}
}

// act is an action without a lock of one's own.
func (p *somebody) act() { p.verb(p.service()) }

// revive starts what other people, or signals, have stopped: a storm over services that are all down is calm.
func (p *somebody) revive() {
	status, err := p.w.d.status()
	if err != nil {
		return
	}
	var names []string
	for name, s := range status {
		if !s.up() && name != renamed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) > 0 {
		p.does(call{verb: doStart, targets: names, labels: started(names...)}, append([]string{doStart, "--timeout", "10s"}, names...)...)
	}
}

func (p *somebody) verb(target string) {
	c := call{verb: p.pick(doStart, doStart, doStart, doRestart, doRestart, doStop), targets: []string{target}, labels: started(target)}
	args := []string{c.verb, target, "--timeout", "10s"}
	if c.verb == doStop && p.rng.IntN(2) == 0 {
		args = append(args, "--with-dependents")
		c.labels = labels()
	}
	if p.rng.IntN(8) == 0 {
		c.override = true
		args = append(args, "--override", "-m", "storm")
	}
	p.does(c, args...)
}

// end takes the locks away; what it cannot take away remains for later.
func (p *somebody) end(targets []string) {
	c := call{verb: doEnd, targets: targets}
	args := append([]string{"maintenance", "end", "--wait", "8s"}, targets...)
	for _, t := range targets {
		c.labels = append(c.labels, started(t)...)
	}
	switch n := p.rng.IntN(10); {
	case n < 3:
		c.start = true
		args = append(args, "--start")
	case n < 5:
		c.leave = true
		args = append(args, "--leave-stopped")
	case n < 8:
		args = append(args, "--force")
	}
	if c = p.does(c, args...); (!c.sure || c.code != 0) && p.rng.IntN(2) == 0 {
		p.endAll()
	}
}

// endAll takes away whatever locks this person has.
func (p *somebody) endAll() call {
	return p.does(call{verb: doEnd, targets: []string{"--mine"}}, "maintenance", "end", "--mine", "--force", "--wait", "8s")
}

// breaks takes over somebody else's lock.
func (p *somebody) breaks() {
	var others []string
	for _, l := range p.does(call{verb: doList}, "maintenance", "list").locks {
		others = append(others, l.id)
	}
	if len(others) == 0 {
		return
	}
	id := p.pick(others...)
	c := p.does(call{verb: doBreak, ids: []string{id}}, "maintenance", "break", id, "-m", "storm", "--yes", "--wait", "8s")
	if c.code == 0 && c.sure && len(c.locks) > 0 {
		p.end([]string{c.locks[0].target})
	}
}

// offers is the end of a shift: a colleague may take the locks over.
func (p *somebody) offers(targets []string) bool {
	heir := strconv.Itoa(firstUID + (p.id+1+p.rng.IntN(persons-1))%persons) // not oneself
	c := p.does(call{verb: doOffer, targets: targets}, append([]string{"maintenance", "transfer", "--to", heir}, targets...)...)
	return c.sure && c.code == 0
}

// takesOver is the beginning of one.
func (p *somebody) takesOver() {
	for _, l := range p.does(call{verb: doList}, "maintenance", "list").locks {
		if !l.forMe {
			continue
		}
		c := p.does(call{verb: doAccept, targets: []string{l.target}, ids: []string{l.id}}, "maintenance", "accept", l.target, "--wait", "8s")
		if c.sure && c.code == 0 {
			p.end([]string{l.target})
		}
		return
	}
}

// crash kills a service that a target names.
func (p *somebody) crash(targets []string) {
	want := named(targets[0])
	for _, n := range p.w.reg.living(func(n note) bool { return !n.Child && slices.Contains(want, n.Label) }) {
		p.w.reg.shoot(n, syscall.SIGKILL)
		return
	}
}

// barrage kills it again and again, as soon as it lives, until ctx ends.
func (p *somebody) barrage(ctx context.Context, targets []string) {
	for pause(ctx, time.Millisecond) {
		p.crash(targets)
	}
}
