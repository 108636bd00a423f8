package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"

	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// Identity tells the service apart by what it runs rather than by its name, so
// that a lock outlives a rename: the command line as written and, where set, a
// fingerprint of directory, user and environment. Values of ${ENV} are not in
// it: locks can be read by everybody.
func (s *Service) Identity() lockfile.Identity {
	return identityOf(s.raw)
}

// identityOf reads the identity from a service's table as written. It must give
// the same for a table in a broken file (NamesOnly) as in a good one, so it
// uses nothing of the decoded service.
func identityOf(table map[string]any) lockfile.Identity {
	var id lockfile.Identity
	id.Unit, _ = table["unit"].(string)
	id.Pidfile, _ = table["pidfile"].(string)
	list, _ := table["command"].([]any)
	argv := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			argv = append(argv, s)
		}
	}
	if len(argv) == 0 {
		return id
	}
	id.Command = commandLine(argv)
	var more strings.Builder
	for _, key := range [...]string{"dir", "user", "env_file"} {
		if v, ok := table[key].(string); ok {
			fmt.Fprintf(&more, "%s=%q\n", key, v)
		}
	}
	if env, ok := table["env"].(map[string]any); ok {
		for _, k := range sortedKeys(env) {
			if isSecretKey("env." + k) { // a short secret could be guessed from its fingerprint
				continue
			}
			fmt.Fprintf(&more, "env.%s=%q\n", k, fmt.Sprint(env[k]))
		}
	}
	if more.Len() > 0 {
		sum := sha256.Sum256([]byte(more.String()))
		id.Command += " [" + hex.EncodeToString(sum[:fingerprintBytes]) + "]"
	}
	return id
}

// fingerprintBytes of a SHA-256 are enough to tell a machine's services apart.
const fingerprintBytes = 8

// twinMark stands between a command's identity and the name of a service that
// shares it with another one of the same config.
const twinMark = " #"

// Lockfile is the plan in the form that stands in the state directory, for
// plan.toml. Two services of one config that run the very same command (twins)
// are two services, and a lock on one must not hold the other: theirs carry the
// name as well. inForce is the plan that is replaced, nil at a first start: a
// name keeps its identity from there, and a renamed twin takes over the one of
// the name that vanished, so that a lock goes with it.
func (p *Plan) Lockfile(generation uint64, inForce *lockfile.Plan) lockfile.Plan {
	own := make(map[string]lockfile.Identity, len(p.Services))
	for name, s := range p.Services {
		own[name] = s.Identity()
	}
	groups := make(map[string][]string, len(p.Groups))
	for name, g := range p.Groups {
		groups[name] = append([]string(nil), g.Services...)
	}
	var old map[string]lockfile.Identity
	if inForce != nil {
		old = inForce.Services
	}
	return lockfile.Plan{Generation: generation, Services: apart(own, old), Groups: groups}
}

// apart gives twins identities of their own; see Lockfile.
func apart(own, old map[string]lockfile.Identity) map[string]lockfile.Identity {
	count := make(map[string]int, len(own))
	for _, id := range own {
		count[id.Command]++
	}
	// Two services of one plan are never one under two names, so only a name that
	// vanished can have an heir. Identities of names that vanished, by what they run, in the order of names.
	left := map[string][]string{}
	for _, name := range sortedKeys(old) {
		if _, stays := own[name]; !stays {
			left[base(old[name])] = append(left[base(old[name])], old[name].Command)
		}
	}
	out := maps.Clone(own)
	for _, name := range sortedKeys(own) {
		id := own[name]
		if id.Command == "" {
			continue
		}
		before, existed := old[name]
		heir := left[id.Command]
		switch {
		case existed && base(before) == id.Command: // nothing changed for it
			id.Command = before.Command
		case len(heir) > 0: // a new name for what ran under an old one
			id.Command, left[id.Command] = heir[0], heir[1:]
		case count[id.Command] > 1: // a twin, seen for the first time
			id.Command += twinMark + name
		}
		out[name] = id
	}
	return out
}

// base is the identity without a twin's mark. The name in the mark is the first
// one that it had, so any mark at the end is cut.
func base(id lockfile.Identity) string {
	cut := strings.LastIndex(id.Command, twinMark)
	if cut < 0 || lockfile.ValidName(id.Command[cut+len(twinMark):]) != nil {
		return id.Command
	}
	return id.Command[:cut]
}

// Core is the service in the decision core's terms.
func (s *Service) Core() core.Spec {
	b := s.Restart.Backoff
	spec := core.Spec{
		Name:         s.Name,
		DependsOn:    append([]string(nil), s.DependsOn...),
		Autostart:    s.Autostart,
		Stateful:     s.Stateful,
		Observe:      s.Mode == ModeObserve,
		Oneshot:      s.Oneshot,
		Policy:       core.Policy(s.Restart.Policy),
		OperatorStop: core.Choice(s.Restart.OperatorStop),
		UnknownExit:  core.Choice(s.Restart.UnknownExit),
		Backoff: core.BackoffRule{
			First: b.First, Then: b.Then, Max: b.Max, Factor: b.Factor, Jitter: b.Jitter, ResetAfter: b.ResetAfter,
		},
		Limit:        core.LimitRule{N: s.Restart.Limit.N, Per: s.Restart.Limit.Per},
		Ready:        core.ReadyRule{Mode: s.Ready.Mode.core(), Delay: s.Ready.Delay, Check: s.Ready.Check},
		ReadyTimeout: s.ReadyTimeout,
		StopTimeout:  s.Stop.Timeout,
	}
	return spec
}

// core is the core's word for the mode.
func (m ReadyMode) core() core.ReadyMode {
	switch m {
	case ReadyNotify:
		return core.ReadyNotify
	case ReadyCheck:
		return core.ReadyCheck
	case ReadyLog:
		return core.ReadyLog
	}
	return core.ReadyTime
}
