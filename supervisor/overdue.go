package supervisor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/notices"
	"github.com/supd/supd/lockfile"
)

// overdue remembers the locks that cover services, to say of each when it is past its expected end, and again after each
// remind_every. It decides nothing: an overdue lock goes on holding.
type overdue struct {
	mu      sync.Mutex
	locks   map[string][]lockfile.Lock // by service; none without a lock
	told    map[string]reminder        // by lock id
	changed chan struct{}              // capacity one: the locks are others than before
}

// reminder is the last one that was given of a lock, and the end that it was about: another end is a new promise.
type reminder struct{ at, end time.Time }

func newOverdue() *overdue {
	return &overdue{locks: map[string][]lockfile.Lock{}, told: map[string]reminder{}, changed: make(chan struct{}, 1)}
}

// see takes the locks that cover a service now.
func (o *overdue) see(service string, locks []lockfile.Lock) {
	o.mu.Lock()
	defer o.mu.Unlock()
	same := func(a, b lockfile.Lock) bool { return a.ID == b.ID && a.Until.Equal(b.Until) }
	if slices.EqualFunc(o.locks[service], locks, same) {
		return
	}
	if len(locks) == 0 {
		delete(o.locks, service)
	} else {
		o.locks[service] = slices.Clone(locks)
	}
	select {
	case o.changed <- struct{}{}:
	default: // it has been told
	}
}

// round gives the locks that are to be spoken of now, and when to come back; zero: when the locks change. every is the
// interval of reminders for a lock on these services.
func (o *overdue) round(now time.Time, every func(services []string) time.Duration) (due []lockfile.Lock, next time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	locks, on := map[string]lockfile.Lock{}, map[string][]string{}
	for service, ls := range o.locks {
		for _, l := range ls {
			locks[l.ID], on[l.ID] = l, append(on[l.ID], service)
		}
	}
	for id := range o.told {
		if _, there := locks[id]; !there {
			delete(o.told, id)
		}
	}
	for id, l := range locks {
		if l.Until.IsZero() {
			continue
		}
		interval := every(on[id])
		last, told := o.told[id]
		at := l.Until
		if told && last.end.Equal(l.Until) {
			at = last.at.Add(interval)
		}
		if now.After(at) || now.Equal(at) {
			due = append(due, l)
			o.told[id] = reminder{now, l.Until}
			at = now.Add(interval)
		}
		// Never later than an interval: a clock that was set forward is noticed by then.
		if at = minTime(at, now.Add(interval)); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	slices.SortFunc(due, func(a, b lockfile.Lock) int { return a.Until.Compare(b.Until) })
	return due, next
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// remindOverdue speaks of locks that are past their expected end, until ctx ends. Without locks it has no timer.
func (s *Supervisor) remindOverdue(ctx context.Context) {
	// Locks on what no config knows any more cover nothing that is ever observed.
	for _, l := range s.dir.Locks().Locks {
		if l.Target.Kind == lockfile.TargetService && s.services.get(l.Target.Name) == nil {
			s.overdue.see(l.Target.Name, []lockfile.Lock{l})
		}
	}
	for {
		// Without the monotonic reading: what is asked is the time of day, also after it was set.
		due, next := s.overdue.round(time.Now().Round(0), s.remindEvery)
		for _, l := range due {
			s.sayOverdue(l)
		}
		var wake <-chan time.Time
		if !next.IsZero() {
			wake = time.After(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case <-s.overdue.changed:
		case <-wake:
		}
	}
}

// remindEvery is the shortest interval of those that the services say, or the one for all.
func (s *Supervisor) remindEvery(services []string) time.Duration {
	plan, _ := s.inForce()
	every := plan.Maintenance.RemindEvery
	for i, name := range services {
		if conf := s.services.conf(name); conf != nil && (i == 0 || conf.Maintenance.RemindEvery < every) {
			every = conf.Maintenance.RemindEvery
		}
	}
	return every
}

// sayOverdue records it where people and alerts look.
func (s *Supervisor) sayOverdue(l lockfile.Lock) {
	text := fmt.Sprintf("the lock of %s on %s is overdue by %v and goes on holding: it was expected to end at %s%s; supctl maintenance end %s, or extend",
		l.Owner, l.Target, time.Since(l.Until).Round(time.Second), l.Until.Format(time.RFC3339), because(l.Reason), l.Target)
	s.log.Warn(text, "event", "maintenance.overdue", "service", serviceOf(l.Target))
	s.record("maintenance.overdue", serviceOf(l.Target), journal.Warning, text, map[string]string{
		"lock_id": l.ID, "target": l.Target.String(), "owner": l.Owner.String(), "until": l.Until.Format(time.RFC3339),
	})
	go s.tellOwner(l.Owner, s.hide(notices.Overdue(l)))
	s.metrics.reminded.WithLabelValues(l.Target.String()).Inc()
}
