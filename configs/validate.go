package configs

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Validate functions judge a value that is already complete, and change
// nothing. p is the place of the table that the value was read from.

// validate judges [daemon]. Whether the directories exist is found out by who
// opens them: a state directory that is not mounted is no mistake of the config.
func (d Daemon) validate(c *collector, p place) {
	oneOf(c, p.key("mode"), d.Mode, ModeActive, ModeObserve)
	oneOf(c, p.key("on_exit"), d.OnExit, ExitLeave, ExitStop)
	absolute(c, p.key("state_dir"), d.StateDir)
	absolute(c, p.key("run_dir"), d.RunDir)
	// RUN is on a tmpfs and is emptied; protocol files live in STATE.
	if d.StateDir != "" && filepath.Clean(d.StateDir) == filepath.Clean(d.RunDir) {
		c.add(p.key("run_dir"), "must not be the state directory: it is emptied at a boot, and locks must not be")
	}
}

// socketBytesMax is the kernel's limit for a unix socket's path (sun_path).
const socketBytesMax = 107

// validate judges [api]. An empty socket is filled in later, see override.
func (a API) validate(c *collector, p place) {
	if a.Socket != "" {
		absolute(c, p.key("socket"), a.Socket)
	}
	if len(a.Socket) > socketBytesMax {
		c.add(p.key("socket"), "has %d bytes, the kernel allows %d", len(a.Socket), socketBytesMax)
	}
	if a.Listen != "" {
		if err := hostPort(a.Listen); err != nil {
			c.add(p.key("listen"), "%s", err)
		}
	}
	people(c, p.key("operators"), a.Operators)
	people(c, p.key("admins"), a.Admins)
}

// people judges "group:NAME", "user:NAME" and "any".
func people(c *collector, p place, list []string) {
	for i, who := range list {
		kind, name, _ := strings.Cut(who, ":")
		if who != "any" && (kind != "group" && kind != "user" || name == "") {
			c.add(p.element(i), "has %q; want \"group:NAME\", \"user:NAME\" (or numbers) or \"any\"", who)
		}
	}
}

// validate judges [maintenance], of all or of one service. The names in require
// are judged when all services are known, see required.
func (m Maintenance) validate(c *collector, p place) {
	if _, err := regexp.Compile(m.RequireTicket); err != nil {
		c.add(p.key("require_ticket"), "is no regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	positive(c, p.key("default_duration"), m.DefaultDuration)
	positive(c, p.key("remind_every"), m.RemindEvery)
	// Only what can be proven without help: who listens is asked of the kernel.
	for i, free := range m.MustBeFree {
		kind, addr, _ := strings.Cut(free, ":")
		if kind == "unix" && filepath.IsAbs(addr) || kind == "tcp" && hostPort(addr) == nil {
			continue
		}
		c.add(p.key("must_be_free").element(i), "has %q; want \"tcp:HOST:PORT\" or \"unix:/PATH\"", free)
	}
}

// validate judges one service by itself; names of others are judged by
// references. What the service only inherited was judged where it stands.
func (s *Service) validate(c *collector, p place) {
	if s.has("mode") {
		oneOf(c, p.key("mode"), s.Mode, ModeActive, ModeObserve)
	}
	s.validateProcess(c, p)
	s.validateReady(c, p)
	s.Restart.validate(c, p.key("restart"))
	s.LogRotate.validate(c, p.key("log_rotate"))
	if s.Oneshot && s.Restart.Policy == RestartAlways {
		c.add(p.key("restart").key("policy"), "\"always\" contradicts oneshot: a job runs to its end and is done")
	}
	if s.Schedule.Cron != nil && !s.Oneshot {
		c.add(p.key("schedule"), "is for jobs: add oneshot = true")
	}
	s.validateListen(c, p)
	s.validateHooks(c, p)
	s.Limits.validate(c, p.key("limits"))
	s.Stop.validate(c, p.key("stop"), s.has("stop", "signal"))
	if s.has("on_reload") && s.OnReload.Signal == 0 {
		program(c, p.key("on_reload"), s.OnReload.Command)
	}
	if s.has("maintenance") {
		s.Maintenance.validate(c, p.key("maintenance"))
	}
}

// otherKinds are the keys that make a service one that supd does not run by
// itself; such a table lacks no command.
var otherKinds = [...]string{"unit", "pidfile", "match"}

// validateProcess judges what the process is started with. Whether the program
// and the user exist is found out at a start: see Load.
func (s *Service) validateProcess(c *collector, p place) {
	foreign := false
	for _, key := range otherKinds {
		foreign = foreign || s.has(key)
	}
	switch {
	case foreign: // refused, or run by somebody else
	case !s.has("command"):
		c.about(p, "command is missing: the program to run, such as command = [\"/usr/bin/%s\"]", s.Name)
	default:
		program(c, p.key("command"), s.Command)
	}
	for _, f := range [...]struct{ key, path string }{{"dir", s.Dir}, {"env_file", s.EnvFile}, {"log_file", s.LogFile}} {
		if f.path != "" {
			absolute(c, p.key(f.key), f.path)
		}
	}
	for i, path := range s.Paths {
		absolute(c, p.key("paths").element(i), path)
	}
	for _, name := range sortedKeys(s.Env) {
		at := p.key("env").key(name)
		switch {
		case !isEnvName(name):
			c.about(at, "env: %q is no name of an environment variable", name)
		case strings.HasPrefix(name, "SUPD_"): // a child is found again by these
			c.about(at, "env: %s is set by supd itself", name)
		case strings.ContainsRune(s.Env[name], 0):
			c.about(at, "env: %s contains a zero byte", name)
		}
	}
	if s.Nice != nil && (*s.Nice < -20 || *s.Nice > 19) {
		c.add(p.key("nice"), "%d must be between -20 and 19", *s.Nice)
	}
	if s.OOMScore != nil && (*s.OOMScore < -1000 || *s.OOMScore > 1000) {
		c.add(p.key("oom_score_adj"), "%d must be between -1000 and 1000", *s.OOMScore)
	}
	oneOf(c, p.key("log"), s.Log, LogAuto, LogJournal, LogFile, LogInherit, LogNone)
	// A file that is named and never written would be looked for in vain.
	if s.LogFile != "" && s.Log != LogFile && s.Log != LogAuto {
		c.add(p.key("log_file"), "contradicts log = %q; leave one of them out", s.Log)
	}
}

// watchdogMin keeps a pause of the machine from being taken for a service that hangs.
const watchdogMin = 100 * time.Millisecond

// validateReady judges how readiness is known, against the time it may take.
func (s *Service) validateReady(c *collector, p place) {
	at := p.key("ready")
	switch s.Ready.Mode {
	case ReadyLog:
		// supd is not in the way of the output, so it has to be where it can be read.
		if s.Log != LogFile && s.Log != LogAuto {
			c.add(at, "looks into the service's log file, and log = %q writes none; use log = \"file\" or another way to be ready", s.Log)
		}
	case ReadyCheck:
		if !s.hasCheck(s.Ready.Check) {
			c.add(at, "names the check %q, which this service does not have%s", s.Ready.Check, didYouMean(s.Ready.Check, sortedKeys(s.Checks)))
		}
	case ReadyTime:
		if s.ReadyTimeout > s.Ready.Delay || s.ReadyTimeout <= 0 {
			break
		}
		if s.has("ready") {
			c.add(at, "delay %s must be shorter than ready_timeout %s", formatDuration(s.Ready.Delay), formatDuration(s.ReadyTimeout))
		} else {
			c.add(p.key("ready_timeout"), "%s must be longer than the second that a service has to live to be ready", formatDuration(s.ReadyTimeout))
		}
	}
	positive(c, p.key("ready_timeout"), s.ReadyTimeout)
	if s.Watchdog != 0 && s.Watchdog < watchdogMin {
		c.add(p.key("watchdog"), "%s is too short; want at least %s, or \"0s\" for none", formatDuration(s.Watchdog), formatDuration(watchdogMin))
	}
	if s.Oneshot && s.has("ready") {
		c.add(at, "contradicts oneshot: a job is ready for its dependents when it is done")
	}
}

// validate judges [service.NAME.restart].
func (r Restart) validate(c *collector, p place) {
	oneOf(c, p.key("policy"), r.Policy, RestartOnFailure, RestartAlways, RestartNever)
	oneOf(c, p.key("operator_stop"), r.OperatorStop, VerdictHold, VerdictAgain)
	oneOf(c, p.key("unknown_exit"), r.UnknownExit, VerdictHold, VerdictAgain)
	b, at := r.Backoff, p.key("backoff")
	positive(c, at.key("then"), b.Then)
	positive(c, at.key("max"), b.Max)
	positive(c, at.key("reset_after"), b.ResetAfter)
	for _, d := range [...]struct {
		key  string
		wait float64
		text string
	}{{"first", float64(b.First), formatDuration(b.First)}, {"then", float64(b.Then), formatDuration(b.Then)}} {
		if d.wait > float64(b.Max) && b.Max > 0 {
			c.add(at.key(d.key), "%s must not be longer than max %s", d.text, formatDuration(b.Max))
		}
	}
	if b.Factor < 1 {
		c.add(at.key("factor"), "%v must be at least 1: waits do not get shorter", b.Factor)
	}
	// With a jitter of 1 a wait could shrink to nothing.
	if b.Jitter < 0 || b.Jitter >= 1 {
		c.add(at.key("jitter"), "%v must be between 0 and 1, such as 0.1 for ten percent either way", b.Jitter)
	}
}

// validate judges [service.NAME.stop]. signalSet tells the default signal from
// one that was written beside a command.
func (s Stop) validate(c *collector, p place, signalSet bool) {
	positive(c, p.key("timeout"), s.Timeout)
	if s.Command != nil {
		program(c, p.key("command"), s.Command)
		if signalSet {
			c.add(p.key("command"), "contradicts stop.signal; leave one of them out")
		}
	}
}

// has reports whether a key stands in the service's table.
func (s *Service) has(path ...string) bool {
	table := s.expanded
	for i, key := range path {
		v, ok := table[key]
		if !ok {
			return false
		}
		if i < len(path)-1 {
			if table, ok = v.(map[string]any); !ok {
				return false
			}
		}
	}
	return true
}

// hasCheck reports whether a check stands in the table, with mistakes or not.
func (s *Service) hasCheck(name string) bool { return s.has("check", name) }

// oneOf judges a word of a fixed set.
func oneOf[T ~string](c *collector, p place, got T, known ...T) {
	words := make([]string, len(known))
	for i, k := range known {
		if got == k {
			return
		}
		words[i] = string(k)
	}
	c.add(p, "%s is unknown; want one of %s", quoteValue(string(got)), strings.Join(words, ", "))
}

// program judges a command line: a bare name is looked for in the service's
// PATH, a path must mean the same program whatever the directory is.
func program(c *collector, p place, argv []string) {
	if len(argv) == 0 || argv[0] == "" {
		c.add(p, "names no program")
		return
	}
	if strings.Contains(argv[0], " -") { // the whole line in one text; no program is called like that
		c.add(p, "has its arguments in the program's name; each is a text of its own, such as %s", listExample(p, argv[0]))
		return
	}
	if strings.Contains(argv[0], "/") && !filepath.IsAbs(argv[0]) {
		c.add(p, "must begin with an absolute path or a bare name, not %s", quoteValue(argv[0]))
	}
	for i, arg := range argv {
		if strings.ContainsRune(arg, 0) {
			c.add(p.element(i), "contains a zero byte")
		}
	}
}

// absolute judges a path that must mean the same file wherever supd was started.
func absolute(c *collector, p place, path string) {
	if !filepath.IsAbs(path) {
		c.add(p, "must be an absolute path, not %s", quoteValue(path))
	}
}

// hostPort judges HOST:PORT; an empty HOST is every address of the machine.
func hostPort(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s is no address; want HOST:PORT, such as \"127.0.0.1:9712\"", quoteValue(addr))
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%s has no port between 1 and 65535", quoteValue(addr))
	}
	return nil
}

// didYouMean is the end of a message about an unknown name.
func didYouMean(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}
