package supervisor

import (
	"fmt"
	"time"

	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/journal"
	"github.com/supd/supd/internal/several"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// hook is what is run for one moment of an action.
type hook struct {
	svc      *service
	conf     *configs.Service
	requests []uint64 // whose wish the action is: they are told
	more     bool     // more effects follow under this permit
}

// runHook runs the commands of one moment, one after the other, under the permit of the action and in the helper that keeps
// the gate: as the service's user, in its directory, with its environment and SUPD_HOOK, their output in its log. The
// first that fails ends it; the error has its last words.
func (s *Supervisor) runHook(p *lockfile.Permit, h hook, moment configs.Hook) error {
	commands := h.conf.Hook(moment)
	for i, argv := range commands {
		script, err := s.script(h.svc, h.conf, argv, h.conf.HookTimeout)
		if err != nil {
			return fmt.Errorf("%s: %w", moment, err)
		}
		script.Env = append(script.Env, "SUPD_HOOK="+string(moment))
		script.Output.Keep = true
		what := fmt.Sprintf("%s: %q (%d of %d)", moment, argv[0], i+1, len(commands))
		done := h.svc.busy(what)
		for _, id := range h.requests {
			s.requests.reply(core.Reply{Request: id, Text: "runs " + what, Progress: true})
		}
		r, err := s.hands.Run(p, h.svc.name, p.Verb(), script, h.more || i < len(commands)-1)
		done()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", moment, err)
		case r.Failed() != "":
			return fmt.Errorf("%s: %q: %s", moment, argv[0], withTail(r.Failed(), r.Tail))
		}
	}
	return nil
}

// tryHook runs a hook whose failure changes nothing: the service is up already, or is to go down whatever happens.
func (s *Supervisor) tryHook(p *lockfile.Permit, h hook, moment configs.Hook) {
	if err := s.runHook(p, h, moment); err != nil {
		text := fmt.Sprintf("a hook of %q failed: %v", h.svc.name, err)
		s.log.Warn(text, "service", h.svc.name)
		s.record("hook.failed", h.svc.name, journal.Warning, text, map[string]string{"hook": string(moment)})
	}
}

// withTail adds the last words of a program to how it ended.
func withTail(how, tail string) string {
	if tail == "" {
		return how
	}
	return how + ": " + several.Line(tail)
}

// errand is what a service's helper is doing just now.
type errand struct {
	what  string
	since time.Time
}

// busy remembers, for explain, what is being done for the service until done is called.
func (v *service) busy(what string) (done func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.errand = &errand{what: what, since: time.Now()}
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.errand = nil
	}
}

// errandLine is that in a line for a person; "" for nothing.
func (v *service) errandLine() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.errand == nil {
		return ""
	}
	return fmt.Sprintf("runs %s, for %v now", v.errand.what, time.Since(v.errand.since).Round(time.Second))
}
