package lockfile

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Inherited is the helper's side of a gate: it may update the record, and nothing else. There
// is no unlock: flock belongs to the open file description that daemon and helper share, so the
// helper's unlock would open the gate under the daemon, and the other way round. The gate opens
// when the last process that has it exits.
type Inherited struct {
	gate *os.File // kept from the garbage collector, which would close it
	rec  *recordFile
}

// OpenInherited is for a process that was given a gate's descriptor. It fails if fd is not the
// gate of this service, since then nothing would protect what the helper is about to do.
func OpenInherited(fd uintptr, stateDir, service string) (*Inherited, error) {
	if err := ValidName(service); err != nil {
		return nil, err
	}
	d := &Dir{path: stateDir, self: selfProc(), boot: bootID()}
	var have, want unix.Stat_t
	if err := unix.Fstat(int(fd), &have); err != nil {
		return nil, fmt.Errorf("cannot use the inherited gate of %q: %w", service, err)
	}
	if err := unix.Lstat(d.gatePath(service), &want); err != nil || have.Ino != want.Ino || have.Dev != want.Dev {
		return nil, fmt.Errorf("cannot use the inherited gate of %q: descriptor %d is not %s", service, fd, d.gatePath(service))
	}
	unix.CloseOnExec(int(fd)) // a script must not inherit it
	rec, err := d.openRecord(service)
	if err != nil {
		return nil, err
	}
	if rec.rec == nil {
		return nil, fmt.Errorf("cannot use the inherited gate of %q: nothing is in flight", service)
	}
	return &Inherited{os.NewFile(fd, "gate of "+service), rec}, nil
}

// Update changes the record, on disk when it returns. Not for concurrent use.
func (h *Inherited) Update(change func(*Record)) error { return h.rec.update(change) }

// Record reads the record.
func (h *Inherited) Record() (Record, error) {
	if err := h.rec.refresh(); err != nil {
		return Record{}, err
	}
	if h.rec.rec == nil {
		return Record{}, fmt.Errorf("the action on %q is over", h.rec.service)
	}
	return *h.rec.rec, nil
}
