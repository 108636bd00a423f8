package checks

import "time"

// judge turns single looks into changes that are believed. It is pure: the time of each look comes with it. The zero value
// with its two tolerances set has seen nothing.
type judge struct {
	fail, recover Tolerance

	state State // believed; Unknown until the first look that tells something
	told  bool  // a failure was reported and no recovery since
	bad   evidence
	good  evidence
	row   int // failing looks in a row, for display
}

// Change is what a look changed in what is believed.
type Change uint8

// A check that never failed has not recovered: its first success is NoChange.
const (
	NoChange Change = iota
	Failed
	Recovered
)

func (c Change) String() string {
	return [...]string{NoChange: "none", Failed: "failed", Recovered: "recovered"}[c]
}

// see takes the verdict of a look at a time. Unknown is evidence for nothing.
func (j *judge) see(s State, at time.Time) Change {
	switch s {
	case Failing:
		j.row++
	case OK:
		j.row = 0
	}
	bad := j.bad.add(j.fail, s == Failing, s == Unknown, at)
	good := j.good.add(j.recover, s == OK, s == Unknown, at)
	switch {
	case j.state != Failing && s == Failing && bad:
		j.state, j.told = Failing, true
		j.good = evidence{}
		return Failed
	case j.state == Failing && s == OK && good, j.state == Unknown && s == OK && (good || !j.told):
		told := j.told
		j.state, j.told = OK, false
		if told {
			j.bad = evidence{}
			return Recovered
		}
	}
	return NoChange
}

// reset forgets what was seen, for a fresh start after a lock, a new epoch or a new instance. A failure that was told is
// still owed its recovery, and one that goes on is told again.
func (j *judge) reset() {
	j.state = Unknown
	j.bad, j.good = evidence{}, evidence{}
	j.row = 0
}

// evidence collects looks for one direction of one tolerance.
type evidence struct {
	row    int           // in a row
	window uint64        // the last looks, the newest in bit 0
	held   time.Duration // between neighbouring looks that both spoke for it
	last   time.Time     // of the newest look, if that one spoke for it; else zero
}

// add takes a look and says whether the tolerance is used up. What lies between two looks counts only if both spoke for it,
// so a time in which nobody could look counts for nothing.
func (e *evidence) add(t Tolerance, pro, unknown bool, at time.Time) bool {
	if unknown {
		e.last = time.Time{}
		return false
	}
	if !pro {
		*e = evidence{window: e.window << 1}
		return false
	}
	e.row++
	e.window = e.window<<1 | 1
	if !e.last.IsZero() {
		e.held += at.Sub(e.last)
	}
	e.last = at
	switch {
	case t.For > 0:
		return e.held >= t.For
	case t.Of > 0:
		return ones(e.window, t.Of) >= t.Count
	}
	return e.row >= t.Count
}

// ones counts the set bits among the lowest n.
func ones(window uint64, n int) int {
	sum := 0
	for i := range min(n, toleranceLooksMax) {
		sum += int(window >> i & 1)
	}
	return sum
}
