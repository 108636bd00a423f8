package supervisor

import (
	"slices"

	"github.com/supd/supd/internal/proc"
)

// has says whether the alarm was raised already.
func (t *strays) has(k alarmKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.alarms[k]
	return ok
}

// known says whether there is an alarm about a pid.
func (t *strays) known(service string, pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.alarms {
		if k.service == service && k.pid == pid {
			return true
		}
	}
	return false
}

// below says whether a process was started by one that there is an alarm about: its workers are no alarms of their own.
func (t *strays) below(service string, pid int) bool {
	for {
		st, err := proc.ReadStat(pid)
		if err != nil || st.PPID <= 1 {
			return false
		}
		if pid = st.PPID; t.known(service, pid) {
			return true
		}
	}
}

// put adds an alarm. heir says that it takes the place of one whose process has just gone.
func (t *strays) put(a *alarm) (heir bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarms[a.key] = a
	at := slices.IndexFunc(t.ended, func(e *alarm) bool { return e.key.service == a.key.service && e.key.start <= a.key.start })
	if at < 0 || a.id.IsZero() {
		return false
	}
	a.said.Since = t.ended[at].said.Since
	t.ended = slices.Delete(t.ended, at, at+1)
	return true
}

// end notes that the process of an alarm is gone and has the watcher look what it left behind. It does not block.
func (t *strays) end(a *alarm) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.alarms[a.key] != a {
		return
	}
	delete(t.alarms, a.key)
	t.ended = append(t.ended, a)
	t.wake()
}

// takeEnded gives the alarms whose process has gone since; they stay until leaves has asked.
func (t *strays) takeEnded() []*alarm {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.ended)
}

// leaves says whether nothing took the alarm's place, and forgets it.
func (t *strays) leaves(a *alarm) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := slices.Index(t.ended, a)
	if at < 0 {
		return false
	}
	t.ended = slices.Delete(t.ended, at, at+1)
	return true
}

// leftBehind says whether a process of the service that there was an alarm about has just gone.
func (t *strays) leftBehind(service string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.ended, func(a *alarm) bool { return a.key.service == service })
}

// take removes the alarms that pick says, which is called with t.mu held.
func (t *strays) take(pick func(*alarm) bool) []*alarm {
	t.mu.Lock()
	defer t.mu.Unlock()
	var taken []*alarm
	for k, a := range t.alarms {
		if pick(a) {
			delete(t.alarms, k)
			taken = append(taken, a)
		}
	}
	return taken
}
