package supervisor

import (
	"fmt"
	"sync"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/lockfile"
)

// diskPlan remembers what the config on disk said, for as long as its files are the same.
type diskPlan struct {
	mu    sync.Mutex
	stamp string
	plan  lockfile.Plan
	soon  *time.Timer
}

// learnAfter is when files can be told from later ones, see configs.Plan.Stamp.
const learnAfter = 3 * time.Second

// learnDisk has the config that was just put in force read once more when nobody waits for it: or the first lock would.
func (s *Supervisor) learnDisk() {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.disk.soon != nil {
		s.disk.soon.Reset(learnAfter)
		return
	}
	s.disk.soon = time.AfterFunc(learnAfter, func() {
		if s.ctx.Err() == nil {
			_, _ = s.onDisk() // whoever takes a lock is told
			giveBack()
		}
	})
}

// onDisk is the config as it stands on disk, for resolving a lock's targets: a lock taken between an edit and its reload
// covers what either means. It is read again only when a file's times have changed, and parsed only when its content has: a lock must
// not wait for 5,000 services.
func (s *Supervisor) onDisk() (lockfile.Plan, error) {
	inForce, gen := s.inForce()
	stamp := inForce.Stamp()
	if stamp != "" {
		stamp = fmt.Sprintf("generation %d\n%s", gen, stamp)
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if stamp != "" && stamp == s.disk.stamp {
		return s.disk.plan, nil
	}
	next := inForce
	if !inForce.Same() {
		var mistakes configs.Mistakes
		if next, mistakes = s.load(); len(mistakes) > 0 {
			return lockfile.Plan{}, mistakes
		}
	}
	old, err := s.dir.Plan()
	if err != nil {
		return lockfile.Plan{}, err
	}
	s.disk.stamp, s.disk.plan = stamp, next.Lockfile(old.Generation, &old)
	return s.disk.plan, nil
}

// onlyOnDisk says whether a target stands in the config on disk although the plan in force does not know it: it can be
// locked before the reload that would start it.
func (s *Supervisor) onlyOnDisk(t lockfile.Target) bool {
	plan, err := s.onDisk()
	if err != nil {
		return false
	}
	_, service := plan.Services[t.Name]
	_, group := plan.Groups[t.Name]
	return t.Kind == lockfile.TargetService && service || t.Kind == lockfile.TargetGroup && group
}
