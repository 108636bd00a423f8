package supervisor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/supd/supd/checks"
	"github.com/supd/supd/configs"
	"github.com/supd/supd/lockfile"
)

// expected is how long a lock is meant to last: what was said, else the shortest default of the services it covers.
func (s *Supervisor) expected(covered []string, said float64) time.Duration {
	if said > 0 {
		return seconds(said)
	}
	plan, _ := s.inForce()
	d := plan.Maintenance.DefaultDuration
	for i, name := range covered {
		if conf := s.services.conf(name); conf != nil && (i == 0 || conf.Maintenance.DefaultDuration < d) {
			d = conf.Maintenance.DefaultDuration
		}
	}
	return d
}

// lacks is what is missing before work under a lock may begin, in words for a person, by what settles it. None of it ever
// refuses or ends a lock.
type lacks struct {
	said     []string // reason and ticket: the person says them
	sayable  []string // which of the two, "reason" and "ticket"
	rules    []string // what policy wants of each of sayable, to be asked for
	checks   []string // preconditions: their checks pass
	unproven []string // what --stop did not prove: another look
}

// all is every line, each once.
func (l lacks) all() []string {
	out := []string{}
	for _, text := range slices.Concat(l.said, l.checks, l.unproven) {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// add is the union of what two locks lack.
func (l lacks) add(o lacks) lacks {
	return lacks{
		said: union(l.said, o.said), sayable: union(l.sayable, o.sayable), rules: union(l.rules, o.rules),
		checks: union(l.checks, o.checks), unproven: union(l.unproven, o.unproven),
	}
}

// union is both lists in their order, each text once.
func union(a, b []string) []string {
	var out []string
	for _, text := range slices.Concat(a, b) {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// rule is the policy for locks of one service, or, without one, of a host that has none.
type rule struct {
	service string
	policy  configs.Maintenance
}

// rules are the policies that a lock has to satisfy: those of all services that it covers.
func (s *Supervisor) rules(t lockfile.Target, covered []string) []rule {
	var out []rule
	if plan, _ := s.inForce(); t.Kind == lockfile.TargetHost {
		out = append(out, rule{policy: plan.Maintenance})
	}
	for _, name := range covered {
		if conf := s.services.conf(name); conf != nil {
			out = append(out, rule{name, conf.Maintenance})
		}
	}
	return out
}

// wordsMissing is what a reason and a ticket leave to be said.
func wordsMissing(rules []rule, reason, ticket string) (l lacks) {
	miss := func(what, rule, text string) {
		if !slices.Contains(l.said, text) {
			l.said = append(l.said, text)
		}
		if i := slices.Index(l.sayable, what); i < 0 {
			l.sayable, l.rules = append(l.sayable, what), append(l.rules, rule)
		} else if l.rules[i] != rule {
			l.rules[i] += ", and " + rule // two services that want different tickets
		}
	}
	known := map[string]bool{} // expressions that were tried: members of a group mostly share one
	for _, r := range rules {
		if r.policy.RequireReason && reason == "" {
			miss("reason", "a reason", "a reason is required: run the same command with -m REASON")
		}
		if known[r.policy.RequireTicket] {
			continue
		}
		known[r.policy.RequireTicket] = true
		if !r.policy.TicketOK(ticket) {
			wanted := fmt.Sprintf("a ticket that matches %q", r.policy.TicketWanted())
			text := wanted + " is required"
			if ticket != "" {
				text += ", and " + strconv.Quote(ticket) + " does not"
			}
			miss("ticket", wanted, text+": run the same command with --ticket ID")
		}
	}
	return l
}

// lacking is what one lock lacks; look says of a precondition why it does not pass, "" if it does.
func (s *Supervisor) lacking(l lockfile.Lock, covered []string, look func(service, check string) string) lacks {
	rules := s.rules(l.Target, covered)
	out := wordsMissing(rules, l.Reason, l.Ticket)
	for _, r := range rules {
		for _, check := range r.policy.Require {
			if why := look(r.service, check); why != "" && !slices.Contains(out.checks, why) {
				out.checks = append(out.checks, why)
			}
		}
	}
	out.unproven = l.Unproven
	return out
}

// tryPreconditions runs what the policies require, each check once and all at the same time, and gives what to ask for the
// answers.
func (s *Supervisor) tryPreconditions(ctx context.Context, rules []rule) func(service, check string) string {
	type named struct{ service, check string }
	keys := map[named]checks.Key{}
	answers := map[checks.Key]string{}
	for _, r := range rules {
		for _, check := range r.policy.Require {
			if key, ok := s.checks.precondition(r.service, check); ok {
				keys[named{r.service, check}], answers[key] = key, ""
			}
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for key := range answers {
		wg.Go(func() {
			why := s.checks.try(ctx, key)
			mu.Lock()
			defer mu.Unlock()
			answers[key] = why
		})
	}
	wg.Wait()
	return func(service, check string) string {
		key, ok := keys[named{service, check}]
		if !ok {
			return noCheck(service, check)
		}
		return answers[key]
	}
}

// judgeReady runs the preconditions of locks and says of each what it lacks now.
func (s *Supervisor) judgeReady(ctx context.Context, locks []lockfile.Lock) []lacks {
	var rules []rule
	covered := make([][]string, len(locks))
	for i, l := range locks {
		covered[i] = s.coveredBy(l)
		rules = append(rules, s.rules(l.Target, covered[i])...)
	}
	look := s.tryPreconditions(ctx, rules)
	out := make([]lacks, len(locks))
	for i, l := range locks {
		out[i] = s.lacking(l, covered[i], look)
	}
	return out
}

// coveredBy are the services of a lock: those that it covered when it was taken, and those of its target now.
func (s *Supervisor) coveredBy(l lockfile.Lock) []string {
	names, _ := s.members(l.Target.String()) // of a target that is gone only those that were recorded are left
	recorded := slices.Collect(maps.Keys(l.Members))
	if l.Target.Kind == lockfile.TargetGroup { // and those that came to the group since
		recorded = append(recorded, s.dir.Copies(l)...)
	}
	for _, name := range recorded {
		if s.services.get(name) != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// missingNow is what a lock lacks by what is known, without a new look: for status and lists. A lock on what no config has
// any more lacks what its file says.
func (s *Supervisor) missingNow(l lockfile.Lock) []string {
	covered := s.coveredBy(l)
	if len(covered) == 0 && l.Target.Kind != lockfile.TargetHost {
		return l.NotReady
	}
	return s.lacking(l, covered, s.checks.preconditionNow).all()
}

// lookForLocks runs the preconditions of locks that were there before this supd: some checks look only while their service
// runs, and a lock must not be called ready, or not, for want of a look.
func (s *Supervisor) lookForLocks(ctx context.Context) { s.judgeReady(ctx, s.dir.Locks().Locks) }

// nowLacking puts what locks lack now in the place of what their files say, each lock judged once. The lists are the
// caller's own.
func (s *Supervisor) nowLacking(covers map[string]lockfile.Cover) {
	judged := map[string][]string{} // by lock
	for _, c := range covers {
		for i, l := range c.Locks {
			if _, ok := judged[l.ID]; !ok {
				judged[l.ID] = s.missingNow(l)
			}
			c.Locks[i].NotReady = judged[l.ID]
		}
	}
}

// noteNotReady writes what is missing into a lock's file, for who reads it without supd.
func (s *Supervisor) noteNotReady(ctx context.Context, l lockfile.Lock, missing lacks) lockfile.Lock {
	all := missing.all()
	if slices.Equal(l.NotReady, all) && slices.Equal(l.Unproven, missing.unproven) {
		return l
	}
	changed, err := s.dir.Rewrite(ctx, l.ID, l.Owner, func(l *lockfile.Lock) { l.NotReady, l.Unproven = all, missing.unproven })
	if err != nil {
		s.log.Warn("cannot note in the lock what is missing", "lock", l.ID, "err", err)
		return l
	}
	return changed
}
