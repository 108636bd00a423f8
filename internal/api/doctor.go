package api

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/supd/supd/lockfile"
)

// Doctor judges a state directory for one person: what package lockfile finds, and the locks whose takers are gone. Each
// finding has the one command that goes on from there. direct: no daemon answers, so nothing can be tried out. targets: only what
// concerns them, and what concerns everything; none: all.
func Doctor(d *lockfile.Dir, v LockView, direct bool, targets []string) DoctorReply {
	r := DoctorReply{Findings: []Finding{}}
	var told []string
	findings := d.Examine()
	if v.OnlyHere != nil {
		findings = append(findings, v.OnlyHere()...)
	}
	for _, f := range findings {
		w := v.finding(f, direct)
		r.Findings = append(r.Findings, w)
		told = append(told, w.LockID)
	}
	for _, l := range d.Locks().Locks {
		gone := v.whoIsGone(&l)
		left := l.Target.Kind == lockfile.TargetService && v.Known != nil && !v.Known(l.Target.Name)
		switch {
		case slices.Contains(told, l.ID) || gone == "" && !left:
			continue
		case left: // the plan in force has it for as long as the lock keeps it from being taken down
			r.Findings = append(r.Findings, v.finding(lockfile.Finding{Trouble: lockfile.TroubleOrphaned, Target: l.Target, Lock: &l,
				Err: fmt.Errorf("nothing called %s is configured any more", l.Target)}, direct))
			continue
		}
		r.Findings = append(r.Findings, v.finding(lockfile.Finding{Trouble: lockfile.TroubleAbandoned, Target: l.Target, Lock: &l,
			Err: errors.New(gone)}, direct))
	}
	if len(targets) > 0 {
		r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return !v.concerns(f, targets) })
	}
	for _, f := range r.Findings {
		if r.Code = max(r.Code, CodeFailed); f.Holds {
			r.Code = CodeUnknown
			break
		}
	}
	return r
}

// concerns says whether a finding belongs to one of the targets, or to all there is.
func (v LockView) concerns(f Finding, targets []string) bool {
	for _, name := range targets {
		t, err := lockfile.ParseTarget(name)
		if f.Target == "" || f.Target == "--all" || f.Target == name || name == "--all" {
			return true
		}
		if err == nil && v.Members != nil && slices.Contains(v.Members(t), f.Target) {
			return true
		}
	}
	return false
}

// finding puts words and a command to what was found.
func (v LockView) finding(f lockfile.Finding, direct bool) Finding {
	w := Finding{Trouble: string(f.Trouble), File: f.Path, Text: f.Err.Error(), Holds: f.Holds}
	if f.Target.Valid() == nil {
		w.Target = f.Target.String()
	}
	if l := f.Lock; l != nil {
		w.LockID, w.Owner = l.ID, ownerName(l.Owner)
		if w.File == "" {
			w.File = filepath.Join(v.StateDir, "locks", string(l.Target.Kind), l.Target.Name, l.ID+".toml")
		}
	}
	w.Command, w.Does = v.remedy(f, w, direct)
	return w
}

// remedy is the one command, and what it does.
func (v LockView) remedy(f lockfile.Finding, w Finding, direct bool) (command, does string) {
	mend := "supctl maintenance mend " + ShellQuote(f.Path) + " -m " + ShellQuote("doctor: "+w.Trouble)
	switch {
	case f.Trouble == lockfile.TroubleUnsaved && w.Target == "":
		return "supctl reload", "writes it, once there is room in " + v.StateDir + "; supd tries that itself"
	case f.Trouble == lockfile.TroubleUnsaved:
		return "supctl maintenance start " + w.Target + " -m " + ShellQuote("doctor: "+w.Trouble), "takes the lock, as a file, for you; make room in " + v.StateDir + " first"
	case f.Trouble == lockfile.TroubleVanished:
		return "supctl maintenance start " + w.Target + " -m " + ShellQuote("doctor: "+w.Trouble), "holds it by a lock of your own; its end, with a try-out, settles the matter"
	case f.Shell != "":
		return f.Shell, shellDoes(f)
	case f.Lock != nil && (f.Trouble == lockfile.TroubleOrphaned || f.Trouble == lockfile.TroubleAbandoned):
		return v.endOrBreak(*f.Lock, f.Trouble, direct)
	case f.Trouble == lockfile.TroubleStale:
		return mend, "looks once more under its gate, records what was left half done, and keeps the record in aside/"
	case f.Trouble == lockfile.TroubleOrphaned:
		return mend, "moves the hold to aside/: it does not hold any more when the service is configured again"
	case f.Lock != nil:
		return mend, "replaces it by a lock of your own on " + w.Target + ", to be ended with a try-out; the old one is kept in ended/"
	case f.Holds || f.Trouble == lockfile.TroubleForeign || w.Target != "" && f.Trouble == lockfile.TroubleMisplaced:
		on := w.Target
		if on == "" {
			on = "everything"
		}
		return mend, "moves it to aside/, where it is kept; a lock of your own on " + on + " holds in its stead, to be ended with a try-out"
	}
	return mend, "moves what is there to aside/ and makes it anew; nothing is held by it"
}

// endOrBreak is for a lock that can be read: its owner ends it, everybody else takes it over first.
func (v LockView) endOrBreak(l lockfile.Lock, trouble lockfile.Trouble, direct bool) (command, does string) {
	// By id: the same person may have several on one target, and none of them from this session.
	end := "supctl maintenance end --id " + l.ID
	own := l.Owner.SameLogin(v.Me)
	switch {
	case own && !direct:
		return end, "ends it with a try-out"
	case own && trouble == lockfile.TroubleOrphaned:
		return end + " --force", "ends it; nothing of that name is configured that could be tried out"
	}
	does = "makes it a lock of your own, to be ended with a try-out"
	if !own {
		does += "; ask " + ownerName(l.Owner) + " first"
	}
	return "supctl maintenance break " + l.ID + " -m " + ShellQuote("doctor: "+string(trouble)), does
}

// shellDoes says what a command of the system does to a finding.
func shellDoes(f lockfile.Finding) string {
	switch verb, _, _ := strings.Cut(f.Shell, " "); verb {
	case "chmod":
		return "gives it the mode that supd gave it"
	case "chown":
		return "gives it to the owner of the state directory"
	case "mount":
		return "mounts its file system; until then everything counts as locked"
	case "printf", "rm":
		return "puts the marker back, if this is the directory that supd used: until then everything counts as locked"
	}
	if f.Trouble == lockfile.TroubleMarker {
		return "says which version this is; install a newer one: until then everything counts as locked"
	}
	return "names the directory itself; a symbolic link is not trusted"
}

// ShellQuote quotes a word for a POSIX shell, if it needs to be.
func ShellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// MendReply tells what lockfile.Dir.Mend did.
func MendReply(v LockView, m lockfile.Mended) MaintenanceReply {
	r := MaintenanceReply{Locks: []Lock{}, Remaining: []Lock{}, NotReady: []string{}, InFlight: []InFlight{}, Notes: []string{}}
	if m.Aside != "" {
		r.Notes = append(r.Notes, "what stood there is kept as "+m.Aside)
	}
	for _, i := range m.Interrupted {
		r.Notes = append(r.Notes, fmt.Sprintf("a %s of %s was interrupted in phase %q: look whether it is half done", i.Verb, i.Service, i.Phase))
	}
	if l := m.Lock; l != nil && l.Owner.SameLogin(v.Me) { // and not the lock whose copy was put back
		r.Locks = v.Locks([]lockfile.Lock{*l})
		r.Notes = append(r.Notes, "it is held by a lock of your own now; end it with: supctl maintenance end "+l.Target.String())
	}
	return r
}
