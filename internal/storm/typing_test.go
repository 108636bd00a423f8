package storm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

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
		ForMe      bool `json:"for_me"`
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
			c.locks = append(c.locks, lockFact{l.ID, l.Target, l.ForMe, covered(l.Target, l.Members)})
		}
	})
	if c.verb == doLock || c.verb == doBreak || c.verb == doAccept {
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
