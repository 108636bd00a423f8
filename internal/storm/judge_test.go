package storm

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// violation is a promise that was not kept.
type violation struct {
	at   moment
	rule string
	text string
}

const (
	// lateBy is how long after its end a call that was killed, cut short, or failed may still have an effect: its request may
	// lie before a stopped supd (weather's stopMax), or its action be under way (the longest stop of the cast).
	lateBy = 15 * time.Second
	// settled is how long before and after a deliberate stop from outside nothing may have happened to supd or the service, so
	// that supd knows the exit status and that the service was up.
	settled = 3 * time.Second
)

// trial is the judge at work.
type trial struct {
	history
	byLabel map[string][]note // births, but for children, in order
	deaths  map[who]life
	claims  []claim
	found   []violation
}

// judge finds every broken promise of a history. It knows what people were told, what the witnesses saw, and what the storm
// itself did; nothing of supd's own reports.
func judge(h history) []violation {
	t := &trial{history: h, byLabel: map[string][]note{}, deaths: map[who]life{}}
	for _, n := range h.notes {
		if n.What == "birth" && !n.Child {
			t.byLabel[n.Label] = append(t.byLabel[n.Label], n)
		}
	}
	for _, births := range t.byLabel {
		slices.SortFunc(births, func(a, b note) int { return cmp.Compare(a.T, b.T) })
	}
	for _, l := range h.lives {
		t.deaths[who{l.PID, l.Fork}] = l
	}
	t.claims = claimsOf(h.calls)
	t.startsUnderLocks()
	t.signalsUnderLocks()
	t.deathsUnderLocks()
	t.twice()
	t.stopsHold()
	t.stopsLeaveNothing()
	t.outsideStopsHold()
	t.locksAreListed()
	slices.SortFunc(t.found, func(a, b violation) int { return cmp.Compare(a.at, b.at) })
	return t.found
}

func (t *trial) add(at moment, rule, format string, args ...any) {
	t.found = append(t.found, violation{at, rule, fmt.Sprintf(format, args...)})
}

// own says whether the owner of a lock, or one who overrode it, did between two moments what the lock forbids others.
func (t *trial) own(cl claim, label string, from, to moment) bool {
	return slices.ContainsFunc(t.calls, func(c call) bool {
		return c.acts(label) && (c.person == cl.owner || c.override) && c.began <= to && from <= c.until()
	})
}

// startsUnderLocks is L1 for starts.
func (t *trial) startsUnderLocks() {
	for _, cl := range t.claims {
		for _, label := range cl.labels {
			births := t.byLabel[label]
			for _, b := range births[firstFrom(births, cl.from):] {
				from, to := b.forked()
				if from >= cl.to {
					break
				}
				if from >= cl.from && to < cl.to && !t.own(cl, label, from, to) {
					t.add(to, "L1", "%s (pid %d, generation %s) was started under %s", b.Name, b.PID, b.Gen, cl)
				}
			}
		}
	}
}

// forked is when a process was forked: at the earliest, and at the latest.
func (n note) forked() (from, to moment) {
	if n.Forked > 0 {
		return n.Forked, n.Forked
	}
	return n.Fork, n.T
}

// firstFrom is the index of the first note not before a moment.
func firstFrom(ns []note, at moment) int {
	return sort.Search(len(ns), func(i int) bool { return ns[i].T >= at })
}

// signalsUnderLocks is L1 for signals that the storm did not send.
func (t *trial) signalsUnderLocks() {
	for _, n := range t.notes {
		if n.What != "signal" || t.shotAt(n, n.Signal) {
			continue
		}
		for _, cl := range t.claims {
			if cl.from <= n.T && n.T < cl.to && slices.Contains(cl.labels, n.Label) && !t.own(cl, n.Label, n.T, n.T) {
				t.add(n.T, "L1", "%s (pid %d, child: %v) was sent %s under %s", n.Name, n.PID, n.Child, n.Signal, cl)
			}
		}
	}
}

// shotAt says whether the storm sent a process a signal ("" is any).
func (t *trial) shotAt(n note, signal string) bool {
	return slices.ContainsFunc(t.shots, func(s shot) bool {
		return s.to == who{n.PID, n.Fork} && (signal == "" || unix.SignalName(s.sig) == signal)
	})
}

// deathsUnderLocks is L1 for SIGKILL, which no witness hears: a death that nobody else explains.
func (t *trial) deathsUnderLocks() {
	explained := map[who]bool{}
	for _, s := range t.shots {
		explained[s.to] = true
	}
	for _, n := range t.notes {
		if n.What == "bye" || n.What == "signal" { // signals are judged by themselves
			explained[who{n.PID, n.Fork}] = true
		}
	}
	for w, l := range t.deaths {
		if explained[w] || l.died == 0 {
			continue
		}
		for _, cl := range t.claims {
			if cl.from <= l.seen && l.died < cl.to && slices.Contains(cl.labels, l.Label) && !t.own(cl, l.Label, l.seen, l.died) {
				t.add(l.died, "L1", "%s (pid %d, child: %v) was killed under %s", l.Name, l.PID, l.Child, cl)
			}
		}
	}
}

// twice is what the witnesses themselves saw at birth.
func (t *trial) twice() {
	for label, births := range t.byLabel {
		for _, b := range births {
			if b.Twice {
				t.add(b.T, "ONE", "%s (pid %d, generation %s) was started beside another living %s", b.Name, b.PID, b.Gen, label)
			}
			if b.Crowded {
				t.add(b.T, "ONE", "%s (pid %d, generation %s) was started beside children of an earlier %s", b.Name, b.PID, b.Gen, label)
			}
		}
	}
}

// nextUnasked is the first birth of a service from a moment on that nobody's wish, made or pending since another, explains.
func (t *trial) nextUnasked(name string, from, since moment) (b note, ok bool) {
	births := t.byLabel[labelOf(name)]
	for _, b := range births[firstFrom(births, from):] {
		earliest, latest := b.forked()
		if earliest < from || b.Name != name {
			continue
		}
		asked := slices.ContainsFunc(t.calls, func(c call) bool {
			return c.starts(labelOf(name)) && c.began <= latest && since <= c.until()
		})
		return b, !asked
	}
	return note{}, false
}

// stopsHold: what somebody stopped stays down until somebody starts it.
func (t *trial) stopsHold() {
	for _, c := range t.calls {
		if !c.sure || c.code != 0 || c.verb != doStop && !(c.verb == doEnd && c.leave && !c.others) {
			continue
		}
		for _, name := range c.targets {
			if !slices.Contains(labels(), name) { // groups change their members; what the wanderer is called depends
				continue
			}
			if b, bad := t.nextUnasked(name, c.ended, c.began); bad {
				t.add(b.T, "STOP", "%s (pid %d, generation %s) was started %s after person %d had it stopped by %q, at %d, and nobody asked",
					name, b.PID, b.Gen, time.Duration(b.T-c.ended), c.person, c.verb, c.ended)
			}
		}
	}
}

// stopsLeaveNothing: when a stop returns, nothing of what ran before is left.
func (t *trial) stopsLeaveNothing() {
	for _, c := range t.calls {
		if !c.sure || c.code != 0 || c.verb != doStop && !(c.verb == doLock && c.bring) {
			continue
		}
		for _, l := range t.deaths {
			if slices.Contains(c.targets, l.Name) && l.T < c.began && l.seen > c.ended {
				t.add(l.seen, "LEFT", "%s (pid %d, child: %v) was alive %s after person %d was told that it is down (%s)",
					l.Name, l.PID, l.Child, time.Duration(l.seen-c.ended), c.person, c.verb)
			}
		}
	}
}

// outsideStopsHold: a service that was up and was ended by SIGTERM, not by supd, is an operator stop.
func (t *trial) outsideStopsHold() {
	for _, s := range t.shots {
		l, ok := t.deaths[s.to]
		if !ok || s.sig != syscall.SIGTERM || l.Child || l.died == 0 || slices.Contains([]string{"worker", "flappy", "job", wanderer}, l.Label) ||
			s.at < l.T.after(settled) || !t.calm(l, s.at, l.died) {
			continue
		}
		if b, bad := t.nextUnasked(l.Name, l.died, s.at); bad {
			t.add(b.T, "OPERATOR", "%s (pid %d) was started %s after pid %d was ended by SIGTERM from outside, and nobody asked",
				b.Name, b.PID, time.Duration(b.T-l.died), l.PID)
		}
	}
}

// calm says whether nothing else happened to a service or to supd around its end.
func (t *trial) calm(l life, from, to moment) bool {
	from, to = from.after(-settled), to.after(settled)
	for _, c := range t.calls {
		if c.verb == doList || c.until() < from || c.began > to {
			continue
		}
		if c.verb == doDisturb || slices.Contains(c.labels, l.Label) {
			return false
		}
	}
	for _, s := range t.shots {
		other, ok := t.deaths[s.to]
		if s.at >= from && s.at <= to && (s.to == who{l.PID, l.Fork} && s.sig != syscall.SIGTERM || ok && other.Label == l.Label && s.to != who{l.PID, l.Fork}) {
			return false
		}
	}
	return !slices.ContainsFunc(t.claims, func(c claim) bool {
		return slices.Contains(c.labels, l.Label) && c.from <= to && from <= c.to
	})
}

// locksAreListed is L2: every answer to "list" has every lock that stood all the while, or, if it was being handed over,
// the heir's.
func (t *trial) locksAreListed() {
	for _, c := range t.calls {
		if c.verb != doList || !c.sure || !c.parsed {
			continue
		}
		for _, cl := range t.claims {
			if cl.from < c.began && c.ended < cl.to && !slices.ContainsFunc(c.locks, func(l lockFact) bool {
				return l.id == cl.id || c.ended > cl.passes && slices.Contains(cl.heirs, l.id)
			}) {
				t.add(c.ended, "L2", "%s is not in the list that person %d got", cl, c.person)
			}
		}
	}
}
