package supervisor

import (
	"errors"
	"strings"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/proc"
)

// pendingLimits is what a running service lacks of its config's limits.
type pendingLimits struct {
	why     string // in words; "" if nobody has tried
	refused bool   // by the kernel: it is not tried again before the next reload
	restart bool   // a restart settles it
	gone    bool   // nothing but limits that are not said any more
}

// wantedLocked are the limits of the latest config that can change in flight. v.mu must be held.
func (v *service) wantedLocked() proc.Limits {
	if !v.wantedKnown {
		v.wantedKnown, v.wanted = true, nil
		if v.conf != nil && v.conf.Limits != (configs.Limits{}) {
			v.wanted = proc.LimitsOf(rlimits(v.conf), cgroupLimits(v.conf))
		}
	}
	return v.wanted
}

// lackLocked are the keys of limits that the running instance has otherwise than its config says. v.mu must be held.
func (v *service) lackLocked() []string {
	if v.conf == nil || v.proc == nil || v.exited || v.runs == "" {
		return nil
	}
	if want := v.wantedLocked(); len(want) > 0 || len(v.limits) > 0 {
		return v.limits.Differ(want)
	}
	return nil
}

// lacks says what of its limits a service is to be given, and what became of it so far.
func (v *service) lacks() ([]string, pendingLimits) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lackLocked(), v.limitsLeft
}

// limitsOnly says whether nothing but limits is pending, and none that only a restart gives.
func (v *service) limitsOnly() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.runs == v.digestLocked() && !v.otherLocked() && !v.limitsLeft.restart
}

// leftOver is what remains pending after the kernel was asked. gone are the limits that the config has no more.
func leftOver(gone []string, refused []error) pendingLimits {
	var left pendingLimits
	var why []string
	if len(gone) > 0 {
		left.restart, left.refused, left.gone = true, true, len(refused) == 0
		why = append(why, strings.Join(gone, ", ")+" cannot be taken back while it runs")
	}
	for _, err := range refused {
		left.refused = true
		var restart *hands.RestartError
		left.restart = left.restart || errors.As(err, &restart)
		why = append(why, err.Error())
	}
	left.why = strings.Join(why, "; ")
	return left
}

// limitsLeft notes what is pending.
func (s *Supervisor) limitsLeft(svc *service, left pendingLimits) string {
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if len(svc.lackLocked()) == 0 {
		left = pendingLimits{}
	}
	svc.limitsLeft = left
	if left.why != "" {
		s.services.limited.Store(true)
	}
	return left.why
}

// withLimits adds to the changes of a reload which limits are still pending, and why.
func (s *Supervisor) withLimits(changes []api.Change) []api.Change {
	for i := range changes {
		svc := s.services.get(changes[i].Service)
		if svc == nil {
			continue
		}
		if lack, left := svc.lacks(); len(lack) > 0 && left.why != "" && !left.gone { // what is gone, the change says
			addText(&changes[i], limitsLine(lack, left))
		}
	}
	return changes
}

// limitsLine is what is pending in a line for a person.
func limitsLine(lack []string, left pendingLimits) string {
	return strings.Join(lack, ", ") + " pending: " + orElse(left.why, "not tried yet")
}
