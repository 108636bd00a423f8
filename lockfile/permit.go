package lockfile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Permit is the proof that the gate was passed. It dies when Do returns. Its methods may be
// called from any goroutine.
type Permit struct {
	d     *Dir
	req   Request
	live  atomic.Bool
	gates []*gate

	mu      sync.Mutex // records and handedOver
	records []*recordFile
	handed  bool
}

// widens says which effects lie within an action besides the action itself.
func widens(v Verb) []Verb {
	switch v {
	case VerbStart: // what is left of a crashed instance is stopped first
		return []Verb{VerbStop, VerbSignal, VerbExec}
	case VerbStop, VerbReload:
		return []Verb{VerbSignal, VerbExec}
	case VerbRestart:
		return []Verb{VerbStop, VerbStart, VerbSignal, VerbExec}
	}
	return nil
}

// Check fails unless the permit lives and covers this effect on this service. Every function
// with an effect calls it first.
func (p *Permit) Check(service string, verb Verb) error {
	switch {
	case p == nil || !p.live.Load():
		return fmt.Errorf("cannot %s %q: no living permit; this is a fault in supd", verb, service)
	case !p.Covers(service, verb):
		return fmt.Errorf("cannot %s %q: the permit is to %s %q; this is a fault in supd", verb, service, p.req.Verb, p.req.Services)
	}
	return nil
}

// Alive says whether Do has not returned yet.
func (p *Permit) Alive() bool { return p != nil && p.live.Load() }

// Covers says whether verb on service lies within what was asked: a restart covers stop and
// start, every action but a signal its hooks.
func (p *Permit) Covers(service string, verb Verb) bool {
	return slices.Contains(p.req.Services, service) && (verb == p.req.Verb || slices.Contains(widens(p.req.Verb), verb))
}

// Waits says that the action begins to wait for somebody else's work, as for a helper that got its gates.
func (p *Permit) Waits() {
	if p.req.Waiting != nil {
		p.req.Waiting()
	}
}

// Verb is the action that was asked for.
func (p *Permit) Verb() Verb { return p.req.Verb }

// Update changes the record of every service of the permit, on disk when it returns. To be
// called before the effect.
func (p *Permit) Update(change func(*Record)) error {
	if !p.Alive() {
		return errors.New("cannot write the in-flight record: the permit is dead")
	}
	for _, f := range p.recordFiles() {
		if err := p.UpdateOf(f.service, change); err != nil {
			return err
		}
	}
	return nil
}

// UpdateOf is Update for one service.
func (p *Permit) UpdateOf(service string, change func(*Record)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.live.Load() {
		return fmt.Errorf("cannot write the in-flight record of %q: the permit is dead", service)
	}
	for _, f := range p.records {
		if f.service == service {
			return f.update(change)
		}
	}
	return fmt.Errorf("cannot write the in-flight record of %q: the permit is for %q", service, p.req.Services)
}

func (p *Permit) recordFiles() []*recordFile {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.records
}

// File is the open gate of the (first) service, for a helper to inherit. The helper never
// unlocks it: it exits. It belongs to the permit: do not close it.
func (p *Permit) File() *os.File { return p.FileOf(p.gates[0].service) }

// FileOf is File for one of several services; nil if the permit is not for it or dead.
func (p *Permit) FileOf(service string) *os.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.gates {
		if g.service == service && p.live.Load() {
			return g.asFile()
		}
	}
	return nil
}

// HandOver leaves gate and record to the helper that inherited them: Do neither unlocks nor
// removes the record, and whoever takes the gate next judges by the record. For a daemon that
// goes away while the helper works on.
func (p *Permit) HandOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handed = true
}

// writeRecords announces the action, before its first effect.
func (p *Permit) writeRecords() error {
	r := Record{
		Format: FormatVersion, Verb: p.req.Verb, Phase: PhaseBegun, Automatic: p.req.Automatic, By: p.req.By, Reason: p.req.Reason,
		Since: time.Now(), BootID: p.d.boot, Maker: p.d.self,
	}
	for i, f := range p.records {
		own := r
		own.Service = f.service
		if err := f.set(&own); err != nil {
			for _, not := range p.records[i+1:] { // what they say is not ours
				not.close()
			}
			p.records = p.records[:i+1]
			p.wipeRecords()
			return err
		}
	}
	return nil
}

// wipeRecords ends this action's own records, and no others: those of dead actions are
// somebody's news.
func (p *Permit) wipeRecords() {
	for _, f := range p.records {
		if f.fd >= 0 {
			_ = f.set(nil) // if it fails, the record names no living process of ours: it will be reported, and that is all
		}
	}
	p.closeRecords()
}

// over wipes the records of what has come to its end. An action that gave up on a process which
// it has signalled leaves that record, so that a lock waits for the process. False: a helper
// or program is at work still, and the gate must not be opened for it.
func (p *Permit) over() bool {
	free := true
	for _, f := range p.records {
		err := f.refresh() // a helper wrote the last word
		switch rec := f.rec; {
		case err == nil && rec != nil && p.d.alive(rec):
			free = free && !rec.Shim.Alive() && !rec.Script.Alive()
		case f.fd >= 0:
			_ = f.set(nil) // if it fails, the record names no living process of ours: it will be reported, and that is all
		}
	}
	p.closeRecords()
	return free
}

// closeRecords lets go of the files and leaves what they say.
func (p *Permit) closeRecords() {
	for _, f := range p.records {
		f.close()
	}
	p.records = nil
}

// run calls act and ends the permit. If act panics, nobody knows what it left behind: record
// and gate stay as they are, for whoever comes after this process.
func (p *Permit) run(act func(*Permit) error) error {
	sane := false
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.live.Store(false)
		if !sane || p.handed || !p.over() {
			p.abandon()
			return
		}
		releaseAll(p.gates)
	}()
	err := act(p)
	sane = true
	return err
}

// abandon closes without unlocking: the gate opens when the last copy of the descriptor goes.
func (p *Permit) abandon() {
	p.closeRecords()
	for _, g := range p.gates {
		g.close()
	}
}
