package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Note is what RUN/proc/NAME.json says about a service's process. It is written inside
// the permit right after the fork and removed on a deliberate stop; found at supd's
// start while the process is gone, it means that the process died unseen.
type Note struct {
	Service  string        `json:"service"`
	Gen      uint64        `json:"gen"`
	Process  Identity      `json:"process"`
	Cgroup   string        `json:"cgroup,omitempty"`   // absolute path; "" without cgroups
	Started  time.Time     `json:"started"`            // for showing; nothing orders by it
	Notify   string        `json:"notify,omitempty"`   // path of its sd_notify socket
	Watchdog time.Duration `json:"watchdog,omitempty"` // as it was told, or told supd itself; 0: none
	LogAt    int64         `json:"log_at,omitempty"`   // where its output begins in its log file, if supd waits for a line of it
	Config   string        `json:"config,omitempty"`   // digest of what it keeps from its start
	Limits   Limits        `json:"limits,omitempty"`   // that it has now and that can change while it runs
	// Completed: a oneshot that ended well. It is not run again in this boot, and did
	// not die unseen.
	Completed bool `json:"completed,omitempty"`
}

// Notes is the directory RUN/proc, made by the first Write.
type Notes struct{ Dir string }

// noteMode: the digest is one of secrets too, and a weak one could be guessed by who has it.
const noteMode = 0o600

// noteBytesMax bounds a note: names, paths, a digest and at most a line for each limit.
const noteBytesMax = 4 << 10

const noteSuffix = ".json"

func (d Notes) path(service string) string { return filepath.Join(d.Dir, service+noteSuffix) }

// Write replaces the note of n.Service by rename. No fsync: RUN does not outlive the
// boot, and neither does the process.
func (d Notes) Write(n Note) error {
	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("cannot write the note of %q: %w", n.Service, err)
	}
	// One writer per service, inside the gate: a fixed name needs no clearing up after
	// a crash. The dot keeps it out of All.
	tmp := filepath.Join(d.Dir, "."+n.Service+".new")
	err = writeSmall(tmp, append(b, '\n'), noteMode)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(d.Dir, 0o755); err == nil {
			err = writeSmall(tmp, append(b, '\n'), noteMode)
		}
	}
	if err == nil {
		err = unix.Rename(tmp, d.path(n.Service)) // os.Rename looks first whether it is a directory
	}
	if err != nil {
		return fmt.Errorf("cannot write the note of %q: %w", n.Service, err)
	}
	return nil
}

// Read returns the note of service; fs.ErrNotExist if there is none. A damaged one is
// another error, never "none".
func (d Notes) Read(service string) (Note, error) {
	var buf [noteBytesMax]byte
	b, err := readSmall(d.path(service), buf[:])
	if err != nil {
		return Note{}, fmt.Errorf("cannot read the note of %q: %w", service, err)
	}
	var n Note
	if err := json.Unmarshal(b, &n); err != nil {
		return Note{}, fmt.Errorf("cannot read the note of %q: %s: %w", service, d.path(service), err)
	}
	if n.Service != service || n.Process.IsZero() {
		return Note{}, fmt.Errorf("cannot read the note of %q: %s is about %q, pid %d", service, d.path(service), n.Service, n.Process.PID)
	}
	return n, nil
}

// Remove takes the note away; it is no error if there is none.
func (d Notes) Remove(service string) error {
	if err := os.Remove(d.path(service)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the note of %q: %w", service, err)
	}
	return nil
}

// All reads every note. Each that cannot be read is an error of its own: its service's
// process may well be alive.
func (d Notes) All() ([]Note, []error) {
	entries, err := os.ReadDir(d.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, []error{fmt.Errorf("cannot read the notes of processes: %w", err)}
	}
	var notes []Note
	var bad []error
	for _, e := range entries {
		service, ok := strings.CutSuffix(e.Name(), noteSuffix)
		if !ok || strings.HasPrefix(service, ".") {
			continue
		}
		n, err := d.Read(service)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		notes = append(notes, n)
	}
	return notes, bad
}
