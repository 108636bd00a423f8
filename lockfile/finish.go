package lockfile

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// Finish is for a daemon that has LockDaemon and meets an action whose maker and helper both
// died between a signal and its effect (F2). The record stays alive until the target and what it
// left behind are gone, so everything on the service waits, locks too; what ignores the signal
// would make them wait for ever. act gets a permit to stop, and ends the target as the dead action would
// have.
//
// Locks are no obstacle: one that was there when the action began let it pass (its owner's own
// stop), and one that came later has not been promised yet, because it waits for this very
// record. Without such an action Finish does nothing. Errors: *BusyError (somebody has the
// gate), what reading the record gave, what act returned.
func (d *Dir) Finish(ctx context.Context, service string, act func(*Permit) error) error {
	if err := ValidName(service); err != nil {
		return err
	}
	g, err := d.take(ctx, service, unix.LOCK_EX, gateWait{until: deadline(0, GateWait)})
	if err == errGateTaken {
		return &BusyError{service, d.recordForDisplay(service)}
	}
	if err != nil {
		return err
	}
	f, err := d.openRecord(service)
	if err != nil {
		g.release()
		return &UnreadableError{service, []Unreadable{{d.recordPath(service), err}}}
	}
	rec := f.rec
	if rec == nil || rec.BootID != d.boot || rec.Phase == PhaseDone || rec.Shim.Alive() || rec.Script.Alive() || !rec.signalledLives() {
		f.close()
		g.release()
		return nil
	}
	if d.opts.Interrupted != nil {
		d.opts.Interrupted(*rec)
	}
	p := &Permit{d: d, req: Request{Services: []string{service}, Verb: VerbStop, By: rec.By, Reason: rec.Reason}, gates: []*gate{g}, records: []*recordFile{f}}
	p.live.Store(true)
	return p.run(act)
}

// AwaitHelpers waits until the helper and the script of the action in flight on the service have ended, which its maker may
// not have lived to see, or until ctx ends; then Finish finds out whether they saw it through. It takes no gate. Errors: of
// ctx, *UnreadableError.
func (d *Dir) AwaitHelpers(ctx context.Context, service string) error {
	if err := ValidName(service); err != nil {
		return err
	}
	for ctx.Err() == nil {
		rec, err := d.readRecord(service)
		switch {
		case err != nil:
			return &UnreadableError{service, []Unreadable{{d.recordPath(service), err}}}
		case rec == nil || rec.BootID != d.boot || rec.Phase == PhaseDone, !rec.Shim.Alive() && !rec.Script.Alive():
			return nil
		}
		helpers := Record{Shim: rec.Shim, Script: rec.Script} // not the target: it may outlive them
		waitGone(ctx, &helpers, time.Now().Add(helperLook), func() {})
	}
	return ctx.Err()
}

// helperLook is how often a record is read again although nothing it names has ended: it may name another script by then.
const helperLook = time.Minute
