package storm

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
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

// killMax is the latest moment at which a supctl is killed midway; they take that long when nothing is in flight.
const killMax = 80 * time.Millisecond

// one in so many supctls is killed midway.
const killOneIn = 7

// one in so many maintenance commands does not ask supd, although it may be there.
const directOneIn = 3

// reply is what the answers that matter have in common.
type reply struct {
	Locks []struct {
		ID, Target string
		Members    []string
		Mine       bool
	}
	Remaining []struct{ ID string }
}

// does types one command. The record has its beginning before it begins and its end after it ended.
func (p *somebody) does(c call, args ...string) call {
	socket := supdSocket
	if args[0] == "maintenance" && p.rng.IntN(directOneIn) == 0 && p.w.storming() {
		socket = nobodysSocket
	}
	return p.doesAt(socket, c, args...)
}

// The second is for work on supd's files, while it may live.
const supdSocket, nobodysSocket = "run/supd.sock", "nobody.sock"

// doesAt is does, at a socket.
func (p *somebody) doesAt(socket string, c call, args ...string) call {
	j := job{Argv: p.w.d.argvAt(socket, args...)}
	if p.rng.IntN(killOneIn) == 0 && p.w.storming() {
		j.Kill = time.Duration(p.rng.Int64N(int64(killMax)))
	}
	c.person = p.id
	begun := p.w.facts.begin(&c)
	e, err := p.login.types(j)
	var r reply
	parsed := json.Unmarshal([]byte(e.Out), &r) == nil
	if begun.verb == doStop || begun.bring {
		p.w.facts.mu.Lock()
		c.ended = e.Ended
		p.w.facts.mu.Unlock()
		p.w.reg.look(func(n note) bool { return slices.Contains(c.targets, n.Name) })
	}
	p.w.facts.end(begun, func(c *call) {
		c.ended, c.code, c.sure, c.parsed = e.Ended, e.Code, err == nil && !e.Killed && !e.Hung, parsed
		c.others = len(r.Remaining) > 0
		for _, l := range r.Locks {
			c.locks = append(c.locks, lockFact{l.ID, l.Target, covered(l.Target, l.Members)})
		}
	})
	if c.verb == doLock || c.verb == doBreak {
		p.w.reg.look(func(n note) bool { return true })
	}
	p.w.stats.count(c.verb, e)
	switch {
	case err != nil:
		p.w.facts.violated(violation{now(), "BROKEN", fmt.Sprintf("person %d's session: %v", p.id, err)})
	case e.Hung:
		p.w.facts.violated(violation{e.Began, "HANG", fmt.Sprintf("supctl %s did not end within %s\n%s", strings.Join(args, " "), hungAfter, e.Err)})
	case !e.Killed && (e.Code == 2 || strings.Contains(e.Err, "panic:") || strings.Contains(e.Err, "DATA RACE")):
		p.w.facts.violated(violation{e.Began, "BROKEN", fmt.Sprintf("supctl %s: exit code %d: %s", strings.Join(args, " "), e.Code, e.Err)})
	}
	p.w.trace("person %d: %s %s: code %d killed %v: %s", p.id, socket, strings.Join(args, " "), e.Code, e.Killed, oneLine(e.Err))
	return c
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// covered are the labels that a lock covers for certain.
func covered(target string, members []string) (all []string) {
	if target == "--all" {
		return labels()
	}
	if !strings.HasPrefix(target, "@") {
		all = named(target)
	}
	for _, m := range members {
		all = append(all, labelOf(m))
	}
	slices.Sort(all)
	return slices.Compact(all)
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
		case n < 86:
			p.breaks()
		case n < 89:
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
