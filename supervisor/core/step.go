package core

// Step takes one event and returns what is to be done, in order. now never goes
// back. The actions belong to the caller.
func Step(st *State, ev Event, now Instant) []Action {
	acts, _ := step(st, ev, now)
	return acts
}

// step is Step, and says why an event was ignored, for the table of states.
func step(st *State, ev Event, now Instant) (acts []Action, ignored string) {
	return nil, ""
}

// NextDeadline returns when a Tick is due, 0 if nothing waits for a time.
func NextDeadline(st *State) Instant { return 0 }

// Explain says of a service, in lines for a person, what it is and why, what
// holds it, what supd does next and when. It changes nothing.
func Explain(st *State, service string, now Instant) []string { return nil }

// EffectiveHolds returns everything that holds the service: files and
// interlocks. The caller must not change it.
func (s *Service) EffectiveHolds() []Hold {
	if len(s.Interlocks) == 0 {
		return s.Holds
	}
	return append(append([]Hold{}, s.Holds...), s.Interlocks...)
}
