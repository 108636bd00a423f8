package hands

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/lockfile"
)

// helperGrace is what a helper gets beyond the time its work may take; one that takes
// longer hangs and is killed.
const helperGrace = 10 * time.Second

// help has an order carried out by a helper and waits for the helper's end. tail is the
// end of what a script wrote, if it was kept.
func (h *Hands) help(p *lockfile.Permit, kind string, o order, out Output, u *proc.User) (last word, tail string, err error) {
	in, stdout, stderr, err := h.stdio(o.Service, out, u)
	if err != nil {
		return word{}, "", fmt.Errorf("cannot act on %q: %w", o.Service, err)
	}
	defer func() { closeAll(in, stdout, stderr) }()
	var kept, log *os.File
	if (out.Mode == "" || out.Keep) && o.Script != nil {
		if kept, err = newKept(); err == nil {
			closeAll(stderr)
			log, stdout, stderr = stdout, kept, nil
			defer log.Close()
			script := *o.Script
			script.Kept, o.Script = true, &script
		}
	}
	e, err := h.startHelper(p, kind, o, in, stdout)
	if err != nil {
		return word{}, "", fmt.Errorf("cannot act on %q: cannot start a helper: %w", o.Service, err)
	}
	p.Waits()
	last = e.await(h, p, kind, o)
	if kept != nil {
		if tail, err = passOn(kept, log); err != nil {
			h.warn(o.Service, fmt.Errorf("cannot pass on the output of a program for %q: %w", o.Service, err))
		}
	}
	return last, tail, nil
}

// errand is a helper at work, seen from supd.
type errand struct {
	helper *proc.Process
	report *os.File
	began  time.Time
}

// startHelper forks a helper, writes down who it is, and only then tells it what to do.
func (h *Hands) startHelper(p *lockfile.Permit, kind string, o order, in, out *os.File) (*errand, error) {
	orderR, orderW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer orderW.Close()
	reportR, reportW, err := os.Pipe()
	if err != nil {
		orderR.Close()
		return nil, err
	}
	// Not File.Fd of the gate's file more often than needed: the description is shared,
	// and so are its flags.
	gate := p.FileOf(o.Service)
	helper, err := h.Table.Start(proc.Attr{
		Path: h.exe(), Argv: []string{"supd", helperWord, kind, o.Service}, Dir: "/", Env: helperEnv(),
		Files: []uintptr{in.Fd(), out.Fd(), out.Fd(), orderR.Fd(), reportW.Fd(), gate.Fd()},
	})
	closeAll(orderR, reportW)
	if err != nil {
		reportR.Close()
		return nil, err
	}
	err = p.UpdateOf(o.Service, func(r *lockfile.Record) { r.Shim = recorded(helper.Identity()) })
	if err == nil {
		err = send(orderW, o)
	}
	if err != nil {
		orderW.Close() // it goes without effect
		<-helper.Done()
		reportR.Close()
		return nil, err
	}
	return &errand{helper: helper, report: reportR, began: time.Now()}, nil
}

// await reads the report and waits for the helper's end. A helper that died without a
// last word is accounted for: its script is waited for, and a stop is finished here,
// under the same gate.
func (e *errand) await(h *Hands, p *lockfile.Permit, kind string, o order) word {
	defer e.report.Close()
	limit := o.Timeout + killWait + helperGrace
	if o.Script != nil {
		limit += max(o.Script.Timeout, scriptTimeout)
	}
	overdue := time.AfterFunc(limit, func() { e.helper.Signal(unix.SIGKILL) })
	defer overdue.Stop()

	var script *proc.Process
	var last word
	words := json.NewDecoder(e.report)
	for !last.Last {
		var w word
		if words.Decode(&w) != nil {
			break
		}
		if w.Script != nil {
			// Opened while the helper lives or right after: whatever becomes of it,
			// this is the process to wait for.
			script, _ = h.Table.Open(*w.Script)
		}
		if w.Last {
			last = w
		}
	}
	<-e.helper.Done()
	if last.Last {
		if script != nil {
			script.Forget()
		}
		return last
	}
	return h.finish(p, kind, o, script, e.began)
}

// finish does what a killed helper did not.
func (h *Hands) finish(p *lockfile.Permit, kind string, o order, script *proc.Process, began time.Time) word {
	d := down{order: o, table: h.Table, exe: h.exe(), record: permitRecorder(p, o.Service), say: func(word) {}}
	h.warn(o.Service, fmt.Errorf("the helper for %q was killed; supd finishes its work", o.Service))
	var ran *ScriptResult
	if script != nil {
		limit := o.Script.Timeout
		if limit == 0 {
			limit = scriptTimeout
		}
		r := awaitScript(script, began, began.Add(limit))
		script.Forget()
		ran = &r
	}
	if kind == kindScript {
		if ran == nil {
			return word{Err: fmt.Sprintf("cannot run a program for %q: its helper was killed before the program ran", o.Service), Last: true}
		}
		w := word{Ran: ran, Last: true}
		if err := d.scriptOver(); err != nil {
			w.Err = err.Error()
		}
		return w
	}
	if ran != nil {
		d.order.Script = nil // not twice: the signal finishes what it left
	}
	w := d.do(kind)
	if w.Stop != nil && ran != nil {
		w.Stop.Script = ran
	}
	return w
}
