package api

import "github.com/supd/supd/internal/doctor"

// Isolation is something else on the host that could act on a service, and whether a lock keeps it away.
type Isolation struct {
	Service string `json:"service"`
	Kind    string `json:"kind"` // systemd timer cron monit supervisord runit docker package unattended-upgrades needrestart
	Name    string `json:"name"` // what it is called there
	File    string `json:"file"`
	Line    int    `json:"line"` // 0 = all of the file
	What    string `json:"what"` // what it does, in words
	Covered bool   `json:"covered"`
	Fix     string `json:"fix"` // what to do about it, "" = nothing
	Text    string `json:"text"`
}

// IsolationOf is a report on the wire.
func IsolationOf(r doctor.Report) []Isolation {
	out := make([]Isolation, len(r.Findings))
	for i, f := range r.Findings {
		out[i] = Isolation{f.Service, f.Kind, f.Name, f.File, f.Line, f.What, f.Covered, f.Fix, f.String()}
	}
	return out
}

// notIsolated begins what a lock that was asked to be isolated lacks.
const notIsolated = "not isolated: "

// NotIsolated is what keeps a lock with --require-isolated from being ready: gaps, and what could not be looked at.
func NotIsolated(r doctor.Report) []string {
	var out []string
	for _, f := range r.Gaps() {
		out = append(out, notIsolated+f.String())
	}
	for _, u := range r.Unseen {
		out = append(out, notIsolated+"not known: "+u)
	}
	return out
}

// AskedIsolated says whether a lock lacks what only --require-isolated wants.
func AskedIsolated(lacks []string) bool {
	for _, text := range lacks {
		if len(text) >= len(notIsolated) && text[:len(notIsolated)] == notIsolated {
			return true
		}
	}
	return false
}
