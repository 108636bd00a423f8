package storm

import (
	"cmp"
	"fmt"
	"slices"
)

// claim is a lock from the return of what took it to the beginning of what takes it away.
type claim struct {
	lockFact
	owner    int
	from, to moment
	passes   moment   // when an accept of it began; forever if none did
	heirs    []string // the locks that it became
}

// claimsOf turns what people were told into locks that must hold. In doubt a lock does not count.
func claimsOf(calls []call) []claim {
	order := slices.Clone(calls)
	slices.SortStableFunc(order, func(a, b call) int { return cmp.Compare(a.began, b.began) })
	broken := map[string]moment{} // by the first break or accept that began, whatever became of it
	for _, c := range order {
		gone := c.began
		if c.verb == doAccept && c.sure && c.code == 0 {
			gone = c.ended // it holds until the heir's does
		}
		for _, id := range c.ids {
			if at, ok := broken[id]; !ok || gone < at {
				broken[id] = gone
			}
		}
	}
	accepted := map[string]call{}
	for _, c := range order {
		if c.verb == doAccept && c.sure && c.code == 0 {
			for _, id := range c.ids {
				accepted[id] = c
			}
		}
	}
	var all []claim
	open, void := map[string]int{}, map[string]bool{}
	begin := func(c call, l lockFact) {
		if _, is := open[l.id]; is || void[l.id] {
			return
		}
		open[l.id] = len(all)
		cl := claim{lockFact: l, owner: c.person, from: c.ended, to: forever, passes: forever}
		if a, is := accepted[l.id]; is {
			cl.passes = a.began
			for _, heir := range a.locks {
				cl.heirs = append(cl.heirs, heir.id)
			}
		}
		all = append(all, cl)
	}
	for _, c := range order { // a person does one thing at a time, so the order of beginnings is that of each person's acts
		switch {
		case (c.verb == doLock || c.verb == doBreak || c.verb == doAccept) && c.sure && (c.code == 0 || c.code == 7 && !c.bring):
			for _, l := range c.locks {
				begin(c, l)
			}
		case c.verb == doEnd:
			for id, i := range open {
				if all[i].owner != c.person || !slices.Contains(c.targets, all[i].target) && !slices.Contains(c.targets, "--mine") {
					continue
				}
				all[i].to = c.began
				delete(open, id)
				if c.sure && (c.code == 5 || c.code == 6) { // refused: the lock stays
					begin(c, all[i].lockFact)
				} else {
					void[id] = true
				}
			}
		}
	}
	for i := range all {
		if at, ok := broken[all[i].id]; ok && at < all[i].to {
			all[i].to = max(at, all[i].from)
		}
	}
	return slices.DeleteFunc(all, func(c claim) bool { return c.from >= c.to })
}

// until is when a call can have its last effect.
func (c call) until() moment {
	switch {
	case c.ended == 0:
		return forever
	case c.sure && c.code == 0:
		return c.ended
	}
	return c.ended.after(lateBy)
}

// acts says whether a call may start or stop processes of a service, as its person's own action.
func (c call) acts(label string) bool {
	switch c.verb {
	case doStart, doStop, doRestart, doApply:
	case doLock:
		if !c.bring {
			return false
		}
	case doEnd:
		if !c.start {
			return false
		}
	default:
		return false
	}
	return slices.Contains(c.labels, label)
}

// starts says whether a call is somebody's wish that a service be up.
func (c call) starts(label string) bool {
	switch c.verb {
	case doStart, doRestart, doApply, doConfigure:
		return slices.Contains(c.labels, label)
	case doEnd:
		return c.start && slices.Contains(c.labels, label)
	}
	return false
}

func (cl claim) String() string {
	return fmt.Sprintf("lock %s of person %d on %s, held from %d to %d", cl.id, cl.owner, cl.target, cl.from, cl.to)
}
