package supervisor

import (
	"errors"
	"fmt"

	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// stopsListening says whether a stop also closes the service's sockets: one that keeps it down does, so that who connects
// is refused and the proof that it is down is true. What is started again keeps them. The zero Act is a stop that an
// earlier supd began.
func stopsListening(a core.Act) bool {
	return a.Verb != core.Restart && (!a.Automatic || a.Hold != nil)
}

// closeHeld closes the sockets of a service that is held from now on although supd did not stop it: somebody stopped it by
// himself, or it failed too often. Nobody would answer there. Through the gate, which a lock keeps shut: then they stay
// open until somebody stops the service.
func (s *Supervisor) closeHeld(name string) {
	svc := s.services.get(name)
	if svc == nil || !s.hands.Listens(name) {
		return
	}
	err := s.dir.Do(s.ctx, lockfile.Request{
		Services: []string{name}, Verb: lockfile.VerbStop, By: "supd", Reason: "nobody answers on its sockets",
		Actor: s.requests.actor(nil), // nobody's lock lets supd pass, not even that of a person whose numbers are all zero
		Look: func(string) error {
			if p := svc.running(); p != nil && p.Alive() {
				return fmt.Errorf("%q runs again", name)
			}
			return nil
		},
	}, func(p *lockfile.Permit) error { return s.hands.CloseSockets(p, name) })
	var held *lockfile.HeldError
	if err != nil && !errors.As(err, &held) {
		s.log.Info("the sockets of a service that is down stay open", "service", name, "err", err)
	}
}
