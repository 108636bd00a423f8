package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/several"
)

// CgroupLimit is a value for one file of a cgroup (cgroup-v2.rst of the kernel).
type CgroupLimit struct {
	Key        string // how the config calls it, for errors
	Controller string
	File       string
	Value      string // "" = no limit; what was never set is not touched
}

// ControllerError: a limit cannot be enforced here, because its controller is not at hand.
type ControllerError struct {
	Key, Controller, Why string
}

func (e *ControllerError) Error() string {
	return fmt.Sprintf("cannot enforce %s: there is no %s controller for services: %s", e.Key, e.Controller, e.Why)
}

// selfCgroup is where supd.service puts supd itself below what is delegated to it
// (DelegateSubgroup=, systemd 254): a cgroup that hands out controllers may have no
// process of its own.
const selfCgroup = "supd"

// Limit writes the limits of one instance, whose cgroup has to be there. Controllers are
// handed down as far as needed. *ControllerError where there is none: a limit that nobody
// enforces is worse than an error.
func (c *Cgroups) Limit(service string, gen uint64, limits []CgroupLimit) error {
	g := c.Generation(service, gen)
	for _, l := range limits {
		path := filepath.Join(g.Path, l.File)
		_, err := os.Stat(path)
		if l.Value == "" {
			if err != nil {
				continue // never had one
			}
			l.Value = "max"
		} else if errors.Is(err, fs.ErrNotExist) {
			if err := c.handDown(service, l); err != nil {
				return err
			}
		}
		if err := writeExisting(path, l.Value); err != nil {
			if l.Value == "max" && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("cannot take back %s: %w", l.Key, err)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return &ControllerError{Key: l.Key, Controller: l.Controller, Why: path + " does not exist: this kernel does not have it"}
			}
			return fmt.Errorf("cannot set %s: write %q to %s: %w", l.Key, l.Value, path, causeOf(err))
		}
	}
	return nil
}

// handDown enables a controller from above supd's subtree to the cgroups of a service's
// instances.
func (c *Cgroups) handDown(service string, l CgroupLimit) error {
	for _, dir := range []string{filepath.Dir(c.base), c.base, c.Service(service).Path} {
		have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
		if err != nil {
			return &ControllerError{Key: l.Key, Controller: l.Controller, Why: err.Error()}
		}
		if !slices.Contains(strings.Fields(string(have)), l.Controller) {
			return &ControllerError{Key: l.Key, Controller: l.Controller, Why: fmt.Sprintf("%s has %s; it takes cgroup v2 with all controllers, delegated to supd (Delegate=yes)", dir, words(string(have)))}
		}
		control := filepath.Join(dir, "cgroup.subtree_control")
		down, err := os.ReadFile(control)
		if err == nil && slices.Contains(strings.Fields(string(down)), l.Controller) {
			continue
		}
		err = writeExisting(control, "+"+l.Controller)
		switch {
		case errors.Is(err, unix.EBUSY):
			return &ControllerError{Key: l.Key, Controller: l.Controller, Why: dir + " has processes of its own, supd perhaps: DelegateSubgroup=supd in supd.service (systemd 254) gives supd a cgroup below; with an older systemd only the limits of each process (as, data, nproc) can be kept"}
		case err != nil:
			return &ControllerError{Key: l.Key, Controller: l.Controller, Why: fmt.Sprintf("write +%s to %s: %v", l.Controller, control, causeOf(err))}
		}
	}
	return nil
}

// writeExisting never makes a file: in a cgroup each is there or means nothing.
func writeExisting(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return several.Join(err, f.Close())
}

// causeOf strips the call and the path, which the message has already.
func causeOf(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func words(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "no controllers"
	}
	return "only " + strings.Join(strings.Fields(s), ", ")
}
