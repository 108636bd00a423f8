package proc

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"slices"
)

// leftoverLooks bounds how often the look is repeated because something was being started meanwhile.
const leftoverLooks = 50

// Leftovers are living children of this process that it did not start: orphans of what it started, which became its children
// because it is their reaper (ReapOrphans). Those that carry a mark of the daemon are left out: they are known. What was
// orphaned before this process was born is not among them.
func (t *Table) Leftovers(daemon string) ([]Stat, error) {
	for range leftoverLooks {
		all, err := All()
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		sure := t.forking == 0
		all = slices.DeleteFunc(all, func(s Stat) bool { return s.PPID != os.Getpid() || s.State == 'Z' || t.children[s.PID] != nil })
		t.mu.Unlock()
		if len(all) == 0 || sure {
			return slices.DeleteFunc(all, func(s Stat) bool {
				env, err := environ(s.PID)
				return err == nil && bytes.Contains(env, []byte(EnvDaemon+"="+daemon+"\x00")) || !s.alive()
			}), nil
		}
		runtime.Gosched()
	}
	return nil, errors.New("cannot tell leftovers from what is being started")
}

// alive says whether the process of a look is still there.
func (s Stat) alive() bool {
	now, err := ReadStat(s.PID)
	return err == nil && now.StartTime == s.StartTime && now.State != 'Z'
}
