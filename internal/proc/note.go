package proc

import "time"

// Note is what RUN/proc/NAME.json says about a service's process. It is written inside the permit right after the fork and
// removed on a deliberate stop; found at supd's start while the process is gone, it means that the process died unseen.
type Note struct {
	Service  string    `json:"service"`
	Gen      uint64    `json:"gen"`
	Process  Identity  `json:"process"`
	Cgroup   string    `json:"cgroup,omitempty"` // absolute path; "" without cgroups
	Started  time.Time `json:"started"`
	NotifyTo string    `json:"notify_to,omitempty"` // path of its sd_notify socket
}

// Notes is the directory RUN/proc.
type Notes struct{ Dir string }

// Write replaces the note of n.Service by rename. No fsync: RUN does not outlive the boot, and neither does the process.
func (d Notes) Write(n Note) error { return errNotBuilt }

// Read returns the note of service; fs.ErrNotExist if there is none. A damaged one is an error, never "none".
func (d Notes) Read(service string) (Note, error) { return Note{}, errNotBuilt }

// Remove takes the note away; it is no error if there is none.
func (d Notes) Remove(service string) error { return errNotBuilt }

// All reads every note, and lists the files that cannot be read.
func (d Notes) All() ([]Note, []error) { return nil, nil }
