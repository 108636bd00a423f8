package api

import (
	"fmt"
	"time"
)

// Stray is a process that runs what a lock means to be down, by another hand than supd's.
type Stray struct {
	PID       int        `json:"pid"`        // 0 = a process that supd cannot see listens where nobody may
	Since     time.Time  `json:"since"`      // when supd noticed
	StartedAt *time.Time `json:"started_at"` // null = unknown
	How       string     `json:"how"`        // what it was noticed by, in words
	Command   string     `json:"command"`    // "" for viewers
	Parent    string     `json:"parent"`     // name of its parent's program when it was noticed
	ParentPID int        `json:"parent_pid"`
	Login     string     `json:"login"`     // who had logged in, whatever it runs as; "" = no login
	LoginUID  *uint32    `json:"login_uid"` // null = none
	TTY       string     `json:"tty"`
	Unit      string     `json:"unit"` // systemd unit, "" = none
}

// straysForViewer leaves out what only roles may see.
func straysForViewer(all []Stray) []Stray {
	out := make([]Stray, len(all))
	for i, v := range all {
		v.Command = ""
		out[i] = v
	}
	return out
}

// String says what runs, who started it and when, in one line.
func (v Stray) String() string {
	text := v.Who() + " " + v.How
	if v.Command != "" {
		text += fmt.Sprintf(" (%q)", v.Command)
	}
	if v.StartedAt != nil {
		text += ", started at " + v.StartedAt.Format("15:04:05")
	}
	if v.ParentPID != 0 {
		text += fmt.Sprintf(" by pid %d", v.ParentPID)
		if v.Parent != "" {
			text += fmt.Sprintf(" (%s)", v.Parent)
		}
	}
	switch {
	case v.Login != "" && v.TTY != "":
		text += fmt.Sprintf(", login user %s on %s", v.Login, v.TTY)
	case v.Login != "":
		text += ", login user " + v.Login
	case v.PID != 0:
		text += ", no login user"
	}
	if v.Unit != "" {
		text += ", unit " + v.Unit
	}
	return text
}

// Who names the process.
func (v Stray) Who() string {
	if v.PID == 0 {
		return "a process that supd cannot see"
	}
	return fmt.Sprintf("pid %d", v.PID)
}
