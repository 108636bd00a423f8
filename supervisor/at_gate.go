package supervisor

import (
	"errors"
	"fmt"
	"os"

	"github.com/supd/supd/supervisor/core"
)

// atGate is an action that waits for its gate: it makes room for others, and who asked for it is told what is in the way, once for each
// thing. Used by the goroutine of the action only, until passed.
type atGate struct {
	s      *Supervisor
	act    core.Act
	leave  func()
	cancel func() // ends the wait
	told   string
	passed bool // what is waited for from now on is the action's own
}

// waits is lockfile.Request.Waiting.
func (g *atGate) waits() {
	g.leave()
	if g.passed {
		return
	}
	if g.wanted() != nil {
		g.cancel() // whoever asks next waits in its place
	}
	text := "waiting for what is in flight"
	if f, ok := g.s.dir.InFlight(g.act.Service); ok {
		text += ": " + f.String()
	}
	if text == g.told {
		return
	}
	g.told = text
	for _, id := range g.act.Requests {
		g.s.requests.reply(core.Reply{Request: id, Text: g.s.hide(text), Progress: true})
	}
}

// errNobodyWaits drops an operator's action at the gate.
var errNobodyWaits = errors.New("who asked for it does not wait any longer")

// wanted is asked inside the gate: an action whose askers have all gone away has not begun, and does not begin any more.
func (g *atGate) wanted() error {
	if g.act.Automatic || len(g.act.Requests) == 0 || g.s.requests.anyWaits(g.act.Requests) {
		return nil
	}
	return errNobodyWaits
}

// look is the second look, inside the gate.
func (g *atGate) look(name string) error {
	if err := g.wanted(); err != nil {
		return err
	}
	return g.s.look(name, g.act)
}

// inTheWay names what somebody else does to a service, "" if nothing: guards, supctl without supd, an earlier supd's helpers.
func (s *Supervisor) inTheWay(name string) string {
	f, ok := s.dir.InFlight(name)
	if !ok || f.Record.Maker.PID == os.Getpid() {
		return ""
	}
	return fmt.Sprintf("in flight, and nothing else is done meanwhile: %s", f)
}
