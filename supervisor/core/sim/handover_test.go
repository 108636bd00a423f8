package sim

import "slices"

// handOver is a shift change: the heir accepts what the owner offered. Under all gates the heir's lock is written, then the
// owner's is removed: at no moment is the target free.
func (w *world) handOver() {
	l := w.anyLock()
	if l == nil || !l.returned {
		return
	}
	heir := w.rng.IntN(len(people))
	if heir == l.owner {
		return
	}
	w.tasks = append(w.tasks, &task{kind: taskEnd, lock: l, actor: heir, accepts: true})
}

// inherit writes the heir's lock. The gates are held and nothing is in flight, so it counts at once.
func (w *world) inherit(t *task) {
	old := t.lock
	heirs := *old
	w.nextID++
	heirs.id, heirs.ids, heirs.owner, heirs.overdue = int(w.nextID), lockID(int(w.nextID)), t.actor, false
	w.locks = append(w.locks, &heirs)
	old.handing = false
	w.tracef("lock %d of %s is %s's by now, as lock %d", old.id, people[old.owner], people[t.actor], heirs.id)
	w.changedBy(&heirs)
	w.judgeReturned(&heirs)
}

// promised says whether a lock that was handed over with a gap is one that its heir relies on.
func (l *lockFile) promised(s *service) bool {
	stands := *l
	stands.ended = l.ended && !l.handing
	return stands.covers(s)
}

// forget takes ended locks off the list.
func (w *world) forget() {
	w.locks = slices.DeleteFunc(w.locks, func(l *lockFile) bool { return l.ended && !l.handing })
}
