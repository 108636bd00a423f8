package configs

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/checks"
)

// Values that are written as one string and read as more. Each reads itself
// from TOML and writes itself back in the form it was read.

// UnmarshalTOML reads "notify", "check:NAME", "log:PATTERN" or "delay:DURATION".
func (r *Ready) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("must be a string, not %s", showValue(v))
	}
	kind, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "notify":
		*r = Ready{Mode: ReadyNotify}
	case kind == "check" && rest != "":
		*r = Ready{Mode: ReadyCheck, Check: rest}
	case kind == "delay":
		d, err := checks.ParseDuration(rest)
		if err != nil {
			return err
		}
		*r = Ready{Mode: ReadyTime, Delay: d}
	case kind == "log" && rest != "":
		if _, err := regexp.Compile(rest); err != nil {
			return fmt.Errorf("%s is no regular expression: %s", quoteValue(rest), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		*r = Ready{Mode: ReadyLog, Pattern: rest}
	default:
		return fmt.Errorf("%s is unknown; want \"notify\", \"check:NAME\", \"log:PATTERN\" or \"delay:DURATION\"", quoteValue(text))
	}
	return nil
}

// String is the form that UnmarshalTOML reads.
func (r Ready) String() string {
	switch r.Mode {
	case ReadyCheck:
		return "check:" + r.Check
	case ReadyLog:
		return "log:" + r.Pattern
	case ReadyTime:
		return "delay:" + checks.Duration(r.Delay).String()
	}
	return string(r.Mode)
}

// UnmarshalTOML reads "signal:HUP", "notify:HUP" or a command line.
func (o *OnReload) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case string:
		kind, name, _ := strings.Cut(v, ":")
		if kind != "signal" && kind != "notify" {
			return fmt.Errorf("%s is unknown; want \"signal:NAME\", \"notify:NAME\" or a command line such as [\"/usr/bin/web\", \"reload\"]", quoteValue(v))
		}
		var s Signal
		if err := s.UnmarshalTOML(name); err != nil {
			return err
		}
		*o = OnReload{Signal: syscall.Signal(s), Notify: kind == "notify"}
		return nil
	case []any:
		argv := make([]string, len(v))
		for i, arg := range v {
			s, ok := arg.(string)
			if !ok {
				return fmt.Errorf("must be a list of strings, but argument %d is %s", i, showValue(arg))
			}
			argv[i] = s
		}
		*o = OnReload{Command: argv}
		return nil
	}
	return fmt.Errorf("must be \"signal:NAME\" or a command line, not %s", showValue(v))
}

// UnmarshalTOML reads "10 in 10m", or "" for no limit. Zero of either is refused:
// "0 in 10m" could mean never or at once.
func (l *Limit) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("must be a string such as \"10 in 10m\", not %s", showValue(v))
	}
	if text == "" {
		*l = Limit{}
		return nil
	}
	count, per, ok := strings.Cut(text, " in ")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if !ok || err != nil || n < 1 {
		return fmt.Errorf("%s is no limit; write it such as \"10 in 10m\", or \"\" for none", quoteValue(text))
	}
	d, err := checks.ParseDuration(strings.TrimSpace(per))
	if err != nil {
		return err
	}
	if d == 0 {
		return fmt.Errorf("%s has no time to count in; write it such as \"10 in 10m\"", quoteValue(text))
	}
	*l = Limit{N: n, Per: d}
	return nil
}

// String is the form that UnmarshalTOML reads.
func (l Limit) String() string {
	if l == (Limit{}) {
		return ""
	}
	return fmt.Sprintf("%d in %s", l.N, checks.Duration(l.Per).String())
}

// UnmarshalTOML reads a signal's name, with or without SIG. Numbers are refused:
// they differ between machines.
func (s *Signal) UnmarshalTOML(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("must be a signal's name such as \"TERM\", not %s", showValue(v))
	}
	sig := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(text), "SIG"))
	if sig == 0 {
		return fmt.Errorf("%s is no signal; write a name such as \"TERM\", \"INT\" or \"QUIT\"", quoteValue(text))
	}
	*s = Signal(sig)
	return nil
}

// String is the name without SIG.
func (s Signal) String() string {
	return strings.TrimPrefix(unix.SignalName(syscall.Signal(s)), "SIG")
}

// UnmarshalTOML reads octal digits in a string. A bare number would be decimal
// in TOML, and umask = 22 is not what anybody means.
func (u *Umask) UnmarshalTOML(v any) error {
	text, _ := v.(string)
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return errors.New("must be octal digits in a string, such as \"027\"")
	}
	*u = Umask(n)
	return nil
}

// String is the form that UnmarshalTOML reads.
func (u Umask) String() string { return fmt.Sprintf("%03o", uint32(u)) }

// String is the form that UnmarshalTOML reads; a command line is given as a list.
func (o OnReload) String() string {
	if o.Signal != 0 && o.Notify {
		return "notify:" + Signal(o.Signal).String()
	} else if o.Signal != 0 {
		return "signal:" + Signal(o.Signal).String()
	}
	return commandLine(o.Command)
}

// commandLine writes a command unambiguously, quoting only what needs it.
func commandLine(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		if a == "" || a[0] == '#' || strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r == '\'' || r > '~' }) {
			a = strconv.Quote(a)
		}
		words[i] = a
	}
	return strings.Join(words, " ")
}
