package supervisor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// afterRelease says what becomes of the services whose last lock has just gone, until their settle time is over and then:
// who ends a lock reads it as "back to normal", and for a while it is not.
func (s *Supervisor) afterRelease(ctx context.Context, ended []lockfile.Lock, leftStopped bool) []string {
	var free []string
	for _, l := range ended {
		free = union(free, s.coveredBy(l))
	}
	covers := s.dir.Snapshot(free)
	free = slices.DeleteFunc(free, func(name string) bool { return len(covers[name].Locks)+len(covers[name].Unreadable) > 0 })
	by := map[time.Duration]*fates{} // services mostly share one settle time
	s.ask(ctx, func(st *core.State) {
		for _, name := range free {
			conf, v := s.services.conf(name), st.Services[name]
			if conf == nil || v == nil {
				continue
			}
			settle := conf.Maintenance.Settle
			if by[settle] == nil {
				by[settle] = &fates{}
			}
			f := by[settle]
			switch {
			case v.Running || s.services.get(name).running() != nil:
				f.runs = append(f.runs, name)
			case leftStopped || v.Want == core.WantDown || len(covers[name].Holds) > 0:
				f.stays = append(f.stays, name)
			case v.Phase != core.Done && v.Phase != core.Failed && !v.Spec.Observe && !st.ObserveOnly:
				f.starts = append(f.starts, name)
			}
		}
	})
	var out []string
	for settle, f := range by {
		out = append(out, f.words(settle)...)
	}
	slices.Sort(out)
	return out
}

// fates are released services by what becomes of them.
type fates struct{ runs, stays, starts []string }

func (f *fates) words(settle time.Duration) []string {
	var out []string
	when := "at once"
	if settle > 0 {
		when = fmt.Sprintf("in %v (settle)", settle)
		if len(f.runs) > 0 {
			out = append(out, fmt.Sprintf("%s: for %v from now (settle) failures alert and are not acted on", someOf(f.runs), settle))
		}
	}
	if len(f.starts) > 0 {
		out = append(out, fmt.Sprintf("%s: down and wanted up; supd starts it %s", someOf(f.starts), when))
	}
	if len(f.stays) > 0 {
		out = append(out, someOf(f.stays)+": down, and stays down until somebody starts it: supctl start "+startable(f.stays))
	}
	return out
}

// namesTold bounds how many names a sentence has.
const namesTold = 5

// startable is a few names as arguments.
func startable(names []string) string {
	text := strings.Join(names[:min(len(names), namesTold)], " ")
	if len(names) > namesTold {
		text += " …"
	}
	return text
}

// someOf is a few names, and how many more there are.
func someOf(names []string) string {
	text := strings.Join(names[:min(len(names), namesTold)], ", ")
	if n := len(names) - namesTold; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
