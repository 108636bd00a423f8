package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
)

const showLong = `Everything about one service: where its config stands, its processes and what
they use, its checks with their last results, what holds it, and what happened
last.`

// showCommand declares `show`. A viewer gets what they may see; the rest is empty
// and left out.
func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show SERVICE", Short: "Everything about one service", Long: showLong,
		Example: "  supctl show db\n  supctl show db -o json",
		Args:    oneService(), ValidArgsFunction: a.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ask("show "+args[0], func(c *api.Client) error {
				r, err := c.Show(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.answer(r, func() { a.writeShow(r) })
			})
		},
	}
}

// writeShow writes facts, then tables, then the last events.
func (a *app) writeShow(r api.ShowReply) {
	s := r.Service
	a.facts(
		fact{"service", s.Name}, fact{"state", strings.Join(notEmpty(stateCell(s).text, "since "+a.clock(s.Since), s.Detail), ", ")},
		fact{"wanted", s.Want}, fact{"kind", s.Kind}, fact{"pid", number(s.PID)}, fact{"uptime", uptime(s)},
		fact{"restarts", fmt.Sprint(s.Restarts)}, fact{"last exit", r.LastExit}, fact{"config", s.Source},
		fact{"command", strings.Join(quoted(r.Command), " ")}, fact{"dir", r.Dir}, fact{"user", r.User}, fact{"output", r.Log},
		fact{"groups", strings.Join(s.Groups, " ")}, fact{"needs", strings.Join(r.DependsOn, " ")},
		fact{"needed by", strings.Join(r.Dependents, " ")}, fact{"shielded by", s.ShieldedBy}, fact{"next", nextFor(s)},
	)
	for _, h := range s.Holds {
		a.say("hold       %s, since %s", clean(holdText(h)), a.clock(h.Since))
		for _, l := range r.Locks {
			if l.ID == h.LockID && l.LoginUID == nil {
				a.say("  the owner has no login uid: uid %d counts", l.UID)
			}
		}
		for _, n := range h.NotReady {
			a.say("  to fix: %s", clean(n))
		}
	}
	for _, v := range s.StartedUnderLock {
		a.say("started under lock: %s", clean(v.String()))
	}
	for _, k := range slices.Sorted(maps.Keys(r.Settings)) {
		a.say("setting    %s = %s", clean(k), clean(r.Settings[k]))
	}
	a.writeProcesses(r.Processes)
	a.writeChecks(r.Checks)
	if len(r.Events) > 0 {
		a.say("")
	}
	for _, e := range r.Events {
		a.writeEvent(e)
	}
}

// writeProcesses writes the tree, children below their parents and indented.
func (a *app) writeProcesses(ps []api.Process) {
	t := table{head: []string{"PID", "SINCE", "RSS", "CPU", "THREADS", "COMMAND"}, colour: a.colour()}
	for _, p := range ps {
		t.add(fmt.Sprint(p.PID), a.clock(p.StartedAt), bytesText(p.RSS), fmt.Sprintf("%.1f%%", p.CPU), fmt.Sprint(p.Threads),
			strings.Repeat("  ", p.Depth)+p.Command)
	}
	if len(t.rows) > 0 {
		a.say("")
	}
	t.write(a.out)
}

// fact is a line of a description; one without a value is left out.
type fact struct{ name, value string }

// facts writes a line for each.
func (a *app) facts(fs ...fact) {
	for _, f := range fs {
		if f.value != "" {
			a.say("%-10s %s", f.name, clean(f.value))
		}
	}
}

// notEmpty drops what has nothing to say.
func notEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

// quoted shows a command line as one could type it.
func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = api.ShellQuote(w)
	}
	return out
}

// bytesText writes a size with a unit of 1024.
func bytesText(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%dB", n)
	}
	f, i := float64(n)/unit, 0
	for ; f >= unit && i < len("KMGTPE")-1; i++ {
		f /= unit
	}
	return fmt.Sprintf("%.1f%c", f, "KMGTPE"[i])
}
