package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// jobNote is what outlives supd of a job: a small file per job, STATE/jobs/NAME.json. Losing it loses the past: the next run is
// the next one from then on.
type jobNote struct {
	Line       string    `json:"line"`       // the schedule that Considered is about
	Considered time.Time `json:"considered"` // every run up to here was made, or was said to be left out
	Began      time.Time `json:"began"`
	Ended      time.Time `json:"ended"`
	Result     string    `json:"result"` // done, failed, stopped; "" while it runs
	Exit       string    `json:"exit"`   // in words
	Succeeded  time.Time `json:"succeeded"`
}

func (j *jobs) notePath(name string) string {
	return filepath.Join(j.s.dir.Path(), "jobs", name+".json")
}

// readNote gives the zero note where there is none that can be read.
func (j *jobs) readNote(name string) jobNote {
	var n jobNote
	text, err := os.ReadFile(j.notePath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return n
	}
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		j.s.log.Warn("cannot read what is noted of a job; its schedule begins anew", "service", name, "err", err)
		return jobNote{}
	}
	return n
}

// save writes the note of a job as it is now. A disk that is full costs the memory of the run, not the run.
func (j *jobs) save(name string) {
	j.saving.Lock()
	defer j.saving.Unlock()
	j.mu.Lock()
	e := j.all[name]
	var n jobNote
	if e != nil {
		n = e.note
	}
	j.mu.Unlock()
	if e == nil {
		return
	}
	if err := j.saveNote(name, n); err != nil {
		j.s.problem("jobs", fmt.Sprintf("cannot note the runs of jobs: %v; after a restart of supd one may be run again, if it was due less than %v before", err, jobLateMax))
		return
	}
	j.s.solved("jobs")
}

func (j *jobs) saveNote(name string, n jobNote) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	dir, err := j.s.dir.Beside("jobs", 0o755)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(text); err == nil {
		err = f.Sync() // after a power loss a run must not come twice
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), j.notePath(name))
}
