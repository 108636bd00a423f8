package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/proc"
	"github.com/supd/supd/internal/stray"
)

// strayNote is RUN/started-under-lock.json: what the next supd must not raise again, and what it cannot learn any more.
// It is of this boot, like the processes. Losing it costs an alarm that is repeated.
type strayNote struct {
	Alarms []notedAlarm             `json:"alarms"`
	Ran    map[string]stray.Program `json:"ran"`
}

type notedAlarm struct {
	Service string        `json:"service"`
	Process proc.Identity `json:"process"`
	Inode   string        `json:"inode,omitempty"` // of a socket whose process cannot be seen
	Said    api.Stray     `json:"said"`
	Sure    bool          `json:"sure"`
}

func (s *Supervisor) strayFile() string {
	plan, _ := s.inForce()
	return filepath.Join(plan.Daemon.RunDir, "started-under-lock.json")
}

// saveStrays writes the note anew.
func (s *Supervisor) saveStrays() {
	s.strays.mu.Lock()
	n := strayNote{Alarms: []notedAlarm{}, Ran: s.strays.ran}
	for _, a := range s.strays.alarms {
		n.Alarms = append(n.Alarms, notedAlarm{a.key.service, a.id, a.key.inode, a.said, a.sure})
	}
	text, err := json.Marshal(n)
	s.strays.mu.Unlock()
	path := s.strayFile()
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o600) // commands may have secrets
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		s.log.Warn("cannot note what was started under a lock; after a restart of supd it is said again", "err", err)
	}
}

// restoreStrays goes on with the alarms of an earlier supd. Those whose process is gone by now end.
func (s *Supervisor) restoreStrays() {
	text, err := os.ReadFile(s.strayFile())
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var n strayNote
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		s.log.Warn("cannot read what an earlier supd noted of services that were started under a lock; it is said again",
			"err", fmt.Errorf("%s: %w", s.strayFile(), err))
		return
	}
	s.strays.mu.Lock()
	for service, p := range n.Ran {
		if len(s.strays.locks[service]) > 0 {
			s.strays.ran[service] = p
		}
	}
	s.strays.mu.Unlock()
	for _, v := range n.Alarms {
		a := &alarm{key: alarmKey{v.Service, v.Process.PID, v.Process.StartTime, v.Inode}, id: v.Process, said: v.Said, sure: v.Sure}
		s.strays.put(a)
		s.watchStray(a)
	}
}
