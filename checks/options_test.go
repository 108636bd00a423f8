package checks

import (
	"reflect"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
)

func TestOptionsFromTOML(t *testing.T) {
	o := DefaultOptions()
	_, err := toml.Decode(`
type = "process"
every = "5s"
not_every = ["cron: * 0-3 * * *"]
start_delay = "1m"
fail_after = "3 of 5"
recover_after = 2
when = ["rss > 400M for 5m", "cpu > 90%"]
on_fail = "exec"
exec = ["/bin/true"]
remind = "1h"
needs = ["uplink"]
interlocks = ["db"]
`, &o)
	if err != nil {
		t.Fatal(err)
	}
	o.Complete()
	if o.Timeout.Std() != 4500*time.Millisecond {
		t.Errorf("timeout is %s, want nine tenths of every", o.Timeout)
	}
	if len(o.When) != 2 || o.When[0].For != 5*time.Minute || o.FailAfter != (Tolerance{Count: 3, Of: 5}) || o.RecoverAfter.Count != 2 {
		t.Errorf("read as %+v", o)
	}
	if err := o.Validate(mustLookup(t, "process"), "web"); err != nil {
		t.Error(err)
	}
}

func TestTimeoutFollowsEvery(t *testing.T) {
	for every, want := range map[time.Duration]time.Duration{
		time.Second: 900 * time.Millisecond, 10 * time.Second: 9 * time.Second, time.Hour: timeoutDefault,
	} {
		o := DefaultOptions()
		o.Every.Interval = every
		o.Complete()
		if o.Timeout.Std() != want || o.Timeout.Std() >= every {
			t.Errorf("every %v gives timeout %s, want %v", every, o.Timeout, want)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Options)
		kind    string
		service string
		want    []KeyError
	}{
		"timeout as long as every": {func(o *Options) { o.Every.Interval, o.Timeout = 10*time.Second, Duration(30*time.Second) }, "tcp", "db",
			[]KeyError{{"timeout", "30s must be shorter than every 10s"}}},
		"every too short": {func(o *Options) { o.Every.Interval = time.Millisecond }, "tcp", "db",
			[]KeyError{{"every", "1ms must be at least 100ms"}}},
		"unknown action": {func(o *Options) { o.OnFail = "reboot" }, "tcp", "db",
			[]KeyError{{"on_fail", `"reboot" is unknown; known: alert, restart, start, stop, reload, exec, hold, none`}}},
		"restart of nothing": {func(o *Options) { o.OnFail = ActRestart }, "tcp", "",
			[]KeyError{{"on_fail", `"restart" needs a service, and this check stands alone; use interlocks, exec or alert`}}},
		"exec of nothing": {func(o *Options) { o.OnRecover = ActExec }, "tcp", "",
			[]KeyError{{"on_recover", `is "exec" but exec names no program`}}},
		"exec that is never run": {func(o *Options) { o.Exec = []string{"/bin/true"} }, "tcp", "",
			[]KeyError{{"exec", `is never run: neither on_fail nor on_recover is "exec"`}}},
		"process check alone": {func(o *Options) { o.When = When{{Name: "exists", Not: true}} }, "process", "",
			[]KeyError{{"type", `"process" looks at a service's process: it must stand in a service`}}},
		"process check without when": {func(*Options) {}, "process", "db",
			[]KeyError{{"when", "is missing: without it a process check has nothing to say"}}},
		"unknown name in when": {func(o *Options) { o.When = When{{Name: "rsz", Op: OpMore, Operand: "1M"}} }, "process", "db",
			[]KeyError{{"when", `"rsz > 1M" names the unknown value "rsz"; known: exists, rss, cpu`}}},
		"two at once": {func(o *Options) { o.OnFail, o.FailAfter = "", Tolerance{} }, "tcp", "db",
			[]KeyError{{"fail_after", "is empty"}, {"on_fail", `"" is unknown; known: alert, restart, start, stop, reload, exec, hold, none`}}},
	} {
		t.Run(name, func(t *testing.T) {
			k := mustLookup(t, c.kind)
			o := k.Options()
			c.change(&o)
			o.Complete()
			var got []KeyError
			for _, e := range KeyErrors(o.Validate(k, c.service)) {
				got = append(got, *e)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestLookupNamesTheKnownTypes(t *testing.T) {
	_, err := Lookup("htttp")
	if got, want := errText(err), `unknown type "htttp"; known: file, http, process, program, tcp`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
