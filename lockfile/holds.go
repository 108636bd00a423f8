package lockfile

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// AddHold makes a hold, durable on return. Needs no gate: like a lock, it stops the next
// action. One hold per kind is enough: a second of the same kind returns the first.
func (d *Dir) AddHold(service string, spec HoldSpec) (Hold, error) {
	if err := ValidName(service); err != nil {
		return Hold{}, err
	}
	have, _ := d.ListHolds(service)
	for _, h := range have {
		if h.Kind == spec.Kind && d.syncUp(d.holdDir(service)) == nil {
			return h, nil
		}
	}
	h := Hold{Format: FormatVersion, ID: NewID(), Service: service, Kind: spec.Kind, By: spec.By, Reason: spec.Reason,
		Since: time.Now().Round(time.Millisecond), TTY: spec.TTY, LockID: spec.LockID, BootID: d.boot}
	content, err := h.encode()
	if err != nil {
		return Hold{}, err
	}
	if _, err := d.putNew(d.holdDir(service), h.ID, content); err != nil {
		return Hold{}, fmt.Errorf("cannot hold %q: %w", service, err)
	}
	d.keepSpares()
	return h, nil
}

// RemoveHolds removes the operator stops and restart limits of a service under its gate, after
// a new epoch. For a service that was seen up again: still is asked inside the gate, after the
// holds were listed, whether that is so; if not, they stay (nil: it need not be). Held locks
// stand and are no obstacle. *BusyError while a record is alive: what is up may be going down by
// the very stop that the hold is for.
func (d *Dir) RemoveHolds(ctx context.Context, service string, still func() bool) (removed int, err error) {
	holds, _ := d.ListHolds(service)
	if len(holds) == 0 {
		return 0, nil
	}
	g, err := d.take(ctx, service, unix.LOCK_EX, gateWait{until: deadline(0, GateWait)})
	if err == errGateTaken {
		return 0, &BusyError{service, d.recordForDisplay(service)}
	}
	if err != nil {
		return 0, err
	}
	defer g.release()
	rec, err := d.readRecord(service)
	if err != nil {
		return 0, &UnreadableError{service, []Unreadable{{d.recordPath(service), err}}}
	}
	if rec != nil && d.alive(rec) {
		return 0, &BusyError{service, rec}
	}
	holds, _ = d.ListHolds(service)
	if still != nil && !still() {
		return 0, nil
	}
	return d.clearHolds(service, holds)
}

// clearHolds removes operator stops and restart limits: new epoch, removal, fsync. The gate of
// the service is held.
func (d *Dir) clearHolds(service string, holds []Hold) (int, error) {
	n := 0
	for _, h := range holds {
		if h.Kind != HoldOperatorStop && h.Kind != HoldRestartLimit {
			continue
		}
		if n == 0 {
			if err := d.newEpoch([]string{service}, ""); err != nil {
				return 0, err
			}
		}
		if err := d.disk.unlink(d.holdDir(service) + "/" + h.ID + ".toml"); err != nil {
			return n, fmt.Errorf("cannot clear the %s of %q: %w", h.Kind, service, err)
		}
		n++
	}
	if n == 0 {
		return 0, nil
	}
	return n, d.disk.syncDir(d.holdDir(service))
}
