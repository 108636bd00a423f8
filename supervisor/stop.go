package supervisor

import (
	"fmt"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/hands"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
	"golang.org/x/sys/unix"
)

// stop brings the service's whole tree down, by its own way of stopping or, if it hangs, by the signal that the stop
// says. The zero Act: it goes on with a stop that an earlier supd began.
func (s *Supervisor) stop(p *lockfile.Permit, svc *service, a core.Act) error {
	svc.mu.Lock()
	conf, target, gen, cgroup := svc.conf, svc.proc, svc.gen, svc.cgroup
	exited, left := svc.exited, svc.halfStopped
	svc.ending = gen
	svc.mu.Unlock()
	spec := hands.StopSpec{Service: svc.name, Gen: gen, Cgroup: cgroup, Signal: unix.SIGTERM, Timeout: stopTimeoutDefault}
	if target != nil && !exited {
		spec.Target = target.Identity()
	} else if a.Verb == "" {
		spec.Target = left // finishing an earlier supd's stop: it is gone, but by its session others are found where there are no cgroups
	}
	if conf != nil {
		spec.Signal, spec.Timeout = unix.Signal(conf.Stop.Signal), conf.Stop.Timeout
		if a.Verb == core.Stop && a.Signal != 0 {
			spec.Signal = unix.Signal(a.Signal)
		} else if len(conf.Stop.Command) > 0 {
			script, err := s.script(svc, conf, conf.Stop.Command, conf.Stop.Timeout)
			if err != nil {
				return fmt.Errorf("cannot stop %q: %w", svc.name, err)
			}
			script.Output.Keep = true // its last words are the reason
			spec.Command = &script
		}
	}
	hook := hook{svc: svc, conf: conf, requests: a.Requests, more: true}
	if conf != nil && !spec.Target.IsZero() && a.Verb != "" && a.Signal == 0 { // who hangs is not asked
		s.tryHook(p, hook, configs.PreStop)
	}
	r, err := s.hands.Stop(p, spec)
	if err != nil {
		return err
	}
	if r.Script != nil && r.Script.Failed() != "" {
		text := fmt.Sprintf("the stop command of %q failed: %s", svc.name, withTail(r.Script.Failed(), r.Script.Tail))
		s.log.Warn(text, "service", svc.name)
		s.record("stop.failed", svc.name, journal.Warning, text, nil)
	}
	if !r.Gone {
		return fmt.Errorf("cannot stop %q: processes %v do not end, not even by SIGKILL", svc.name, r.Leftovers)
	}
	if r.Killed {
		s.log.Warn("did not end in time and was killed", "service", svc.name, "timeout", spec.Timeout)
	}
	if stopsListening(a) {
		if err := s.hands.CloseSockets(p, svc.name); err != nil {
			return err
		}
	}
	if conf != nil && !r.WasDown {
		hook.more = a.Verb == core.Restart
		s.tryHook(p, hook, configs.PostStop)
	}
	return nil
}

// stopTimeoutDefault is for a service whose config is gone.
const stopTimeoutDefault = 10 * time.Second
