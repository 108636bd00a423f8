package checks

import (
	"errors"
	"strings"
	"time"
)

// Defaults and limits of the common options.
const (
	everyDefault   = 30 * time.Second
	everyMin       = 100 * time.Millisecond // below that it is a load test
	timeoutDefault = 10 * time.Second       // or nine tenths of every, where that is shorter
)

// Options are the keys that every check has, whatever its type.
type Options struct {
	Type         string    `toml:"type"`
	Every        Schedule  `toml:"every"`
	NotEvery     Blackouts `toml:"not_every"`
	Timeout      Duration  `toml:"timeout"`     // of the whole check; 0 until Complete
	StartDelay   Duration  `toml:"start_delay"` // after the start of the service, or of supd for a check of its own
	FailAfter    Tolerance `toml:"fail_after"`
	RecoverAfter Tolerance `toml:"recover_after"`
	When         When      `toml:"when"`
	OnFail       Action    `toml:"on_fail"`
	OnRecover    Action    `toml:"on_recover"`
	Exec         []string  `toml:"exec"`       // for the action exec; no shell
	Remind       Duration  `toml:"remind"`     // while it fails; 0 = never
	Needs        []string  `toml:"needs"`      // checks that must not fail, or this one is not run
	Interlocks   []string  `toml:"interlocks"` // services that are held while it fails
}

// Action is what a check's failure or recovery asks for. The core decides whether it happens.
type Action string

// The actions of on_fail and on_recover.
const (
	ActAlert   Action = "alert"
	ActRestart Action = "restart"
	ActStart   Action = "start"
	ActStop    Action = "stop"
	ActReload  Action = "reload"
	ActExec    Action = "exec"
	ActHold    Action = "hold"
	ActNone    Action = "none"
)

// actionNames is the order of the reference page.
const actionNames = "alert, restart, start, stop, reload, exec, hold, none"

// Actions lists all of them in the order of the reference page.
func Actions() []Action {
	var out []Action
	for name := range strings.SplitSeq(actionNames, ", ") {
		out = append(out, Action(name))
	}
	return out
}

// needsService says whether the action is about the check's service.
func (a Action) needsService() bool {
	return a == ActRestart || a == ActStart || a == ActStop || a == ActReload || a == ActHold
}

// known says whether the action is one of actionNames.
func (a Action) known() bool {
	return a == ActAlert || a == ActExec || a == ActNone || a.needsService()
}

// DefaultOptions are the common defaults. A Kind may change them: use Kind.Options.
func DefaultOptions() Options {
	return Options{
		Every:        Schedule{Interval: everyDefault},
		FailAfter:    Tolerance{Count: 1},
		RecoverAfter: Tolerance{Count: 1},
		OnFail:       ActAlert,
		OnRecover:    ActAlert,
	}
}

// Complete sets what follows from other keys: after decoding, before Validate.
func (o *Options) Complete() {
	if o.Timeout == 0 {
		o.Timeout = Duration(timeoutDefault)
		if o.Every.Interval > 0 && o.Every.Interval <= timeoutDefault {
			o.Timeout = Duration(o.Every.Interval / 10 * 9)
		}
	}
}

// Validate judges completed options of a check of type k; service is "" for a check that stands alone. The names in Needs
// and Interlocks are for the caller to find. Mistakes are *KeyError, joined.
func (o Options) Validate(k Kind, service string) error {
	var found []error
	bad := func(key, format string, args ...any) { found = append(found, badKey(key, format, args...)) }

	if k.InService && service == "" {
		bad("type", "%q looks at a service's process: it must stand in a service", k.Name)
	}
	// A cron line may come again sooner than the timeout ends; then that run is left out and counted.
	if every := o.Every.Interval; o.Every.Cron == nil {
		switch {
		case every < everyMin:
			bad("every", "%s must be at least %s", Duration(every), Duration(everyMin))
		case o.Timeout.Std() >= every:
			bad("timeout", "%s must be shorter than every %s", o.Timeout, Duration(every))
		}
	}
	if o.Timeout <= 0 {
		bad("timeout", "must be longer than nothing")
	}
	if o.FailAfter.IsZero() {
		bad("fail_after", "is empty")
	}
	if o.RecoverAfter.IsZero() {
		bad("recover_after", "is empty")
	}
	for _, a := range [...]struct {
		key string
		act Action
	}{{"on_fail", o.OnFail}, {"on_recover", o.OnRecover}} {
		switch {
		case !a.act.known():
			bad(a.key, "%q is unknown; known: %s", string(a.act), actionNames)
		case a.act.needsService() && service == "":
			bad(a.key, "%q needs a service, and this check stands alone; use interlocks, exec or alert", string(a.act))
		case a.act == ActExec && len(o.Exec) == 0:
			bad(a.key, `is "exec" but exec names no program`)
		}
	}
	if len(o.Exec) > 0 && o.OnFail != ActExec && o.OnRecover != ActExec {
		bad("exec", `is never run: neither on_fail nor on_recover is "exec"`)
	}
	if len(o.Exec) > 0 && o.Exec[0] == "" {
		bad("exec", "names no program")
	}
	if k.NeedsWhen && len(o.When) == 0 {
		bad("when", "is missing: without it a %s check has nothing to say", k.Name)
	}
	for _, c := range o.When {
		if err := c.Validate(k); err != nil {
			bad("when", "%s", err)
		}
	}
	return errors.Join(found...)
}
