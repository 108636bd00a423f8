package storm

import (
	"strings"
	"syscall"
	"testing"
)

// at is a moment of the made-up histories, in seconds.
func at(seconds float64) moment { return moment(seconds * 1e9) }

// locked is a lock of db that person 1 took at second 10.
func locked() call {
	return call{verb: doLock, person: 1, began: at(9), ended: at(10), sure: true, targets: []string{"db"}, labels: []string{"db"},
		locks: []lockFact{{id: "one", target: "db", labels: []string{"db"}}}}
}

func birth(pid int, label string, seconds float64) note {
	return note{What: "birth", T: at(seconds) + 2e6, Fork: at(seconds), PID: pid, Label: label, Name: label}
}

func told(n note, signal string, seconds float64) note {
	n.What, n.T, n.Signal = "signal", at(seconds), signal
	return n
}

// done is a person's command on db that ended well.
func done(person int, verb string, began, ended float64) call {
	return call{verb: verb, person: person, began: at(began), ended: at(ended), sure: true, targets: []string{"db"}, labels: []string{"db"}}
}

// handed is that lock as person 2 took it over, from second 14 to 15.
func handed() call {
	return call{verb: doAccept, person: 2, began: at(14), ended: at(15), sure: true, targets: []string{"db"}, ids: []string{"one"},
		locks: []lockFact{{id: "two", target: "db", labels: []string{"db"}}}}
}

func with(c call, change func(*call)) call {
	change(&c)
	return c
}

// TestJudge gives the judge histories with one broken promise each, and the same without it. A judge that misses one, or
// sees one where there is none, makes every storm worthless.
func TestJudge(t *testing.T) {
	db := birth(5, "db", 1)
	alive := life{note: db, seen: at(12)}
	dead := func(l life, seconds float64) life { l.died = at(seconds); return l }
	gone := done(1, doEnd, 20, 21)
	for _, c := range []struct {
		name  string
		rule  string // "": no violation
		facts history
	}{
		{"started under a lock", "L1", history{calls: []call{locked()}, notes: []note{birth(5, "db", 15)}}},
		{"started before the lock returned", "", history{calls: []call{locked()}, notes: []note{birth(5, "db", 9.9)}}},
		{"forked before, its main began after", "", history{calls: []call{locked()}, notes: []note{birth(5, "db", 9.999)}}},
		{"started when the end had begun", "", history{calls: []call{locked(), gone}, notes: []note{birth(5, "db", 20.5)}}},
		{"started after a refused end", "L1", history{calls: []call{locked(), with(gone, func(c *call) { c.code = 5 })},
			notes: []note{birth(5, "db", 22)}}},
		{"started after an end that was killed", "", history{calls: []call{locked(), with(gone, func(c *call) { c.code, c.sure = -1, false })},
			notes: []note{birth(5, "db", 22)}}},
		{"started after a break began", "", history{calls: []call{locked(),
			{verb: doBreak, person: 2, began: at(14), ended: at(14.1), ids: []string{"one"}, code: -1}}, notes: []note{birth(5, "db", 15)}}},
		{"started under the breaker's lock", "L1", history{calls: []call{locked(),
			{verb: doBreak, person: 2, began: at(14), ended: at(15), sure: true, ids: []string{"one"},
				locks: []lockFact{{id: "two", target: "db", labels: []string{"db"}}}}}, notes: []note{birth(5, "db", 16)}}},
		{"started by the owner", "", history{calls: []call{locked(), done(1, doStart, 14, 16)}, notes: []note{birth(5, "db", 15)}}},
		{"started by somebody else", "L1", history{calls: []call{locked(), done(2, doStart, 14, 16)}, notes: []note{birth(5, "db", 15)}}},
		{"started long after the owner's start", "L1", history{calls: []call{locked(), done(1, doStart, 11, 12)}, notes: []note{birth(5, "db", 15)}}},
		{"a lock that was not returned", "", history{calls: []call{with(locked(), func(c *call) { c.code = 6 })}, notes: []note{birth(5, "db", 15)}}},
		{"another service", "", history{calls: []call{locked()}, notes: []note{birth(5, "web", 15)}}},
		{"started under the owner's own group lock", "L1", history{calls: []call{with(locked(), func(c *call) {
			c.locks[0] = lockFact{id: "g", target: "@back", labels: []string{"cache", "db"}}
		})}, notes: []note{birth(5, "cache", 15)}}},
		{"stopped under a lock", "L1", history{calls: []call{locked()}, notes: []note{db, told(db, "SIGUSR1", 15)}}},
		{"its child stopped under a lock", "L1", history{calls: []call{locked()}, notes: []note{
			{What: "signal", T: at(15), PID: 6, Label: "db", Name: "db", Child: true, Signal: "SIGUSR1"}}}},
		{"signalled by the storm", "", history{calls: []call{locked()}, notes: []note{db, told(db, "SIGTERM", 15)},
			shots: []shot{{at(15), who{5, db.Fork}, syscall.SIGTERM}}}},
		{"signalled by both", "L1", history{calls: []call{locked()}, notes: []note{db, told(db, "SIGTERM", 15), told(db, "SIGUSR1", 16)},
			shots: []shot{{at(15), who{5, db.Fork}, syscall.SIGTERM}}}},
		{"killed under a lock", "L1", history{calls: []call{locked()}, notes: []note{db}, lives: []life{dead(alive, 15)}}},
		{"killed by the storm", "", history{calls: []call{locked()}, notes: []note{db}, lives: []life{dead(alive, 15)},
			shots: []shot{{at(15), who{5, db.Fork}, syscall.SIGKILL}}}},
		{"perhaps dead before the lock", "", history{calls: []call{locked()}, notes: []note{db},
			lives: []life{dead(life{note: db, seen: at(9)}, 15)}}},
		{"two at once", "ONE", history{notes: []note{{What: "birth", T: at(1), Label: "db", Twice: true}}}},
		{"beside an earlier one's children", "ONE", history{notes: []note{{What: "birth", T: at(1), Label: "db", Crowded: true}}}},
		{"started after a stop", "STOP", history{calls: []call{done(1, doStop, 10, 11)}, notes: []note{birth(5, "db", 30)}}},
		{"started after a stop, asked for", "", history{calls: []call{done(1, doStop, 10, 11), done(2, doStart, 29, 31)}, notes: []note{birth(5, "db", 30)}}},
		{"started after a stop by an earlier, lost request", "", history{calls: []call{done(1, doStop, 10, 11),
			with(done(2, doStart, 8, 9), func(c *call) { c.sure = false })}, notes: []note{birth(5, "db", 12)}}},
		{"started long after a release that leaves it down", "STOP", history{calls: []call{
			with(gone, func(c *call) { c.leave = true })}, notes: []note{birth(5, "db", 60)}}},
		{"left alive by a stop", "LEFT", history{calls: []call{done(1, doStop, 10, 11)}, notes: []note{db}, lives: []life{alive}}},
		{"ended by SIGTERM and started again", "OPERATOR", history{notes: []note{db, birth(6, "db", 21)}, lives: []life{dead(alive, 20)},
			shots: []shot{{at(20), who{5, db.Fork}, syscall.SIGTERM}}}},
		{"ended by SIGKILL and started again", "", history{notes: []note{db, birth(6, "db", 21)}, lives: []life{dead(alive, 20)},
			shots: []shot{{at(20), who{5, db.Fork}, syscall.SIGKILL}}}},
		{"a lock that is not listed", "L2", history{calls: []call{locked(), {verb: doList, began: at(12), ended: at(13), sure: true, parsed: true}}}},
		{"a lock that is listed", "", history{calls: []call{locked(),
			{verb: doList, began: at(12), ended: at(13), sure: true, parsed: true, locks: []lockFact{{id: "one"}}}}}},
		{"a lock that was just being ended", "", history{calls: []call{locked(), gone,
			{verb: doList, began: at(12), ended: at(20.5), sure: true, parsed: true}}}},
		{"a lock that was just being handed over", "", history{calls: []call{locked(), handed(),
			{verb: doList, began: at(12), ended: at(14.5), sure: true, parsed: true, locks: []lockFact{{id: "two"}}}}}},
		{"a lock lost while it was handed over", "L2", history{calls: []call{locked(), handed(),
			{verb: doList, began: at(12), ended: at(14.5), sure: true, parsed: true, locks: []lockFact{{id: "three"}}}}}},
		{"the heir's lock before it was handed over", "L2", history{calls: []call{locked(), handed(),
			{verb: doList, began: at(12), ended: at(13.5), sure: true, parsed: true, locks: []lockFact{{id: "two"}}}}}},
		{"started while it was handed over", "L1", history{calls: []call{locked(), handed()}, notes: []note{birth(5, "db", 14.5)}}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			found := judge(c.facts)
			switch {
			case c.rule == "" && len(found) > 0:
				t.Errorf("found %v, want nothing", found)
			case c.rule != "" && (len(found) != 1 || found[0].rule != c.rule):
				t.Errorf("found %v, want one of rule %s", found, c.rule)
			}
		})
	}
}
