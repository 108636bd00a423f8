package supervisor

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// reloadBegins notes, before the signal is sent, that the service's answer to it is waited for; with notify false it has
// none.
func (v *service) reloadBegins(notify bool) {
	if !notify {
		return
	}
	var ts unix.Timespec
	// Linux has had this clock for ever; MONOTONIC_USEC is by it (sd_notify(3)).
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.talk.reload = &reloading{after: time.Duration(ts.Nano()).Truncate(time.Microsecond), done: make(chan struct{})}
}

// reloadEnds waits until the service says that its reload is done, as long as it may take to get ready. Not under the
// gate: somebody who takes a lock meanwhile does not wait for it.
func (s *Supervisor) reloadEnds(svc *service) error {
	conf := s.services.conf(svc.name)
	svc.mu.Lock()
	r, told := svc.talk.reload, svc.told
	svc.mu.Unlock()
	if r == nil || conf == nil {
		return nil
	}
	late := time.NewTimer(conf.ReadyTimeout)
	defer late.Stop()
	var why string
	select {
	case <-r.done:
		return nil
	case <-told:
		why = "it ended meanwhile"
	case <-s.done:
		why = "supd is ending"
	case <-late.C:
		why = fmt.Sprintf("it did not say within %v that it is done (RELOADING=1, then READY=1); it goes on running", conf.ReadyTimeout)
	}
	svc.mu.Lock()
	if svc.talk.reload == r {
		svc.talk.reload = nil
	}
	svc.mu.Unlock()
	return fmt.Errorf("cannot tell whether the reload of %q is done: %s", svc.name, why)
}
