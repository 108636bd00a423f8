package doctor

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// LookMax bounds a look in time, however slow the disk is.
const LookMax = time.Second

// Target is a service to look for.
type Target struct {
	Service string
	Argv    []string // its command
	Program string   // the file that is executed, links resolved; "" if it is not known
}

// Finding is something that could act on a service.
type Finding struct {
	Service string
	Kind    string // of the finder: systemd, timer, cron, monit, supervisord, runit, docker, package, unattended-upgrades, needrestart
	Name    string // what it is called there: a unit, a program, a package
	File    string
	Line    int    // 0: all of the file
	What    string // what it does, in words
	Covered bool   // a lock on the service keeps it away
	Fix     string // what to do about it
}

// Report is the answer. What is in Unseen could not be looked at, so nothing is known of it.
type Report struct {
	Findings []Finding // by service, then kind
	Unseen   []string
}

// Gaps are the findings that a lock does not cover.
func (r Report) Gaps() []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Covered })
}

// finder looks at one kind of program.
type finder struct {
	kind string
	find func(*look)
}

func finders() []finder {
	return []finder{
		{"systemd", units}, {"timer", timers}, {"cron", cron}, {"monit", monit}, {"supervisord", supervisord}, {"runit", runit},
		{"docker", docker}, {"package", packages},
	}
}

// Look asks every finder about these services, for LookMax at most. root is "/", or a made-up host of a test.
func Look(ctx context.Context, root string, targets []Target) Report {
	return new(Looker).Look(ctx, root, targets)
}

// Looker looks again and again at one host, and remembers which package a program comes from for as long as no package is
// installed, upgraded or removed. The zero value is ready. Safe for concurrent use.
type Looker struct{ owned owned }

// Look is the function Look.
func (k *Looker) Look(ctx context.Context, root string, targets []Target) Report {
	ctx, cancel := context.WithTimeout(ctx, LookMax)
	defer cancel()
	all, idx := finders(), index(targets)
	if len(targets) == 0 {
		return Report{}
	}
	type answer struct {
		kind string
		Report
	}
	answers := make(chan answer, len(all)) // one that comes too late waits for nobody
	for _, f := range all {
		go func() {
			l := &look{ctx: ctx, root: root, kind: f.kind, idx: idx, owned: &k.owned}
			f.find(l)
			if ctx.Err() != nil {
				l.unseen(fmt.Sprintf("%s: not all was looked at within %v", f.kind, LookMax))
			}
			answers <- answer{f.kind, l.report}
		}()
	}
	var r Report
	waiting := map[string]bool{}
	for _, f := range all {
		waiting[f.kind] = true
	}
	hangs := time.NewTimer(LookMax + LookMax/10)
	defer hangs.Stop()
	for len(waiting) > 0 {
		select {
		case a := <-answers:
			delete(waiting, a.kind)
			r.Findings, r.Unseen = append(r.Findings, a.Findings...), append(r.Unseen, a.Unseen...)
		case <-hangs.C: // a file system that hangs
			for _, f := range all {
				if waiting[f.kind] {
					r.Unseen = append(r.Unseen, f.kind+": reading its files hangs")
				}
			}
			waiting = nil
		}
	}
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	r.Findings = slices.Compact(r.Findings)
	slices.Sort(r.Unseen)
	return r
}

// String is a finding in one line.
func (f Finding) String() string {
	at := f.File
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	text := fmt.Sprintf("%s: %s", f.Service, f.What)
	if at != "" {
		text += " (" + filepath.Clean(at) + ")"
	}
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	return text
}
