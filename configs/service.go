package configs

import (
	"syscall"
	"time"
)

// Service is one [service.NAME] of kind command: a process that supd runs.
type Service struct {
	Name        string `toml:"-"`
	Source      Source `toml:"-"` // of its table header
	Description string `toml:"description"`
	Mode        Mode   `toml:"mode"` // never empty in a Plan: [daemon] mode when the service says nothing

	Command   []string          `toml:"command"`
	Dir       string            `toml:"dir"`
	User      string            `toml:"user"` // name or number; "" = supd's own
	Group     string            `toml:"group"`
	Groups    []string          `toml:"groups"`
	Env       map[string]string `toml:"env"`
	EnvFile   string            `toml:"env_file"`
	Umask     *Umask            `toml:"umask"`         // nil: as supd
	Nice      *int              `toml:"nice"`          // nil: as supd
	OOMScore  *int              `toml:"oom_score_adj"` // nil: as supd was started
	Limits    Limits            `toml:"limits"`
	Listen    []string          `toml:"listen"` // see Addresses
	Paths     []string          `toml:"paths"`
	Stateful  bool              `toml:"stateful"`
	Oneshot   bool              `toml:"oneshot"`
	Autostart bool              `toml:"autostart"`
	DependsOn []string          `toml:"depends_on"`
	Schedule  JobSchedule       `toml:"schedule"`
	Instances int               `toml:"instances"` // 0 in a Plan: each instance is a service of its own

	Ready        Ready         `toml:"ready"`
	ReadyTimeout time.Duration `toml:"ready_timeout"`
	Watchdog     time.Duration `toml:"watchdog"` // 0: none
	Log          LogTo         `toml:"log"`
	LogFile      string        `toml:"log_file"` // absolute; "" = the default place below the state directory
	LogRotate    LogRotate     `toml:"log_rotate"`
	OnReload     OnReload      `toml:"on_reload"`

	PreStart    []Command     `toml:"pre_start"`
	PostStart   []Command     `toml:"post_start"`
	PreStop     []Command     `toml:"pre_stop"`
	PostStop    []Command     `toml:"post_stop"`
	HookTimeout time.Duration `toml:"hook_timeout"` // for each command, and that of OnReload; then its process group is killed

	Restart     Restart           `toml:"restart"`
	Stop        Stop              `toml:"stop"`
	Maintenance Maintenance       `toml:"maintenance"`
	Checks      map[string]*Check `toml:"-"` // [service.NAME.check.CHECK], by name

	InstanceOf string `toml:"-"` // the table's name where Name is NAME@1 of instances; "" otherwise
	Instance   int    `toml:"-"` // 1, 2, …; 0 otherwise

	at       stood          // where its keys stand
	raw      map[string]any // the table as written, with the instance's number put in
	expanded map[string]any // the same with ${ENV} replaced; shared with raw where there is none
	expands  bool
}

// Command is a command line: the program and its arguments.
type Command []string

// LogTo says where a service's output goes.
type LogTo string

// LogAuto is the journal where there is one, else a file.
const (
	LogAuto    LogTo = "auto"
	LogJournal LogTo = "journal"
	LogFile    LogTo = "file"
	LogInherit LogTo = "inherit"
	LogNone    LogTo = "none"
)

// ReadyMode is how supd knows that a started service does its work.
type ReadyMode string

// ReadyTime: still alive after Delay. ReadyNotify: sd_notify's READY=1.
// ReadyCheck: the named check of this service passes. ReadyLog: a line of its
// output since the start fits.
const (
	ReadyTime   ReadyMode = "delay"
	ReadyNotify ReadyMode = "notify"
	ReadyCheck  ReadyMode = "check"
	ReadyLog    ReadyMode = "log"
)

// Ready is written "notify", "check:NAME" or "delay:2s".
type Ready struct {
	Mode    ReadyMode
	Delay   time.Duration // ReadyTime
	Check   string        // ReadyCheck
	Pattern string        // ReadyLog: a regular expression (RE2), found in a line
}

// OnReload is written "signal:HUP", "notify:HUP" or as a command line; zero: the service
// has no reload of its own.
type OnReload struct {
	Signal  syscall.Signal
	Notify  bool // after the signal: until it says by sd_notify that its reload is done
	Command []string
}

// RestartPolicy says after which exits a service is started again.
type RestartPolicy string

// The policies.
const (
	RestartOnFailure RestartPolicy = "on-failure"
	RestartAlways    RestartPolicy = "always"
	RestartNever     RestartPolicy = "never"
)

// Verdict is what an exit that is no clear crash leads to.
type Verdict string

// Hold keeps the service down until a person decides; Again restarts it.
const (
	VerdictHold  Verdict = "hold"
	VerdictAgain Verdict = "restart"
)

// Restart is the table [service.NAME.restart].
type Restart struct {
	Policy       RestartPolicy `toml:"policy"`
	OperatorStop Verdict       `toml:"operator_stop"`
	UnknownExit  Verdict       `toml:"unknown_exit"` // never empty in a Plan: hold for stateful services, else restart
	Backoff      Backoff       `toml:"backoff"`
	Limit        Limit         `toml:"limit"` // zero: none; a stateful service that says nothing gets 10 in 10m
}

// Backoff is the wait before the n-th restart: First, then Then, times Factor
// each, at most Max, each varied by ±Jitter; from the start after ResetAfter
// of healthy uptime.
type Backoff struct {
	First      time.Duration `toml:"first"`
	Then       time.Duration `toml:"then"`
	Factor     float64       `toml:"factor"`
	Max        time.Duration `toml:"max"`
	Jitter     float64       `toml:"jitter"`
	ResetAfter time.Duration `toml:"reset_after"`
}

// Limit is written "10 in 10m"; "" is no limit.
type Limit struct {
	N   int
	Per time.Duration
}

// Stop is the table [service.NAME.stop]. Command replaces the signal.
type Stop struct {
	Signal  Signal        `toml:"signal"`
	Command []string      `toml:"command"`
	Timeout time.Duration `toml:"timeout"` // then KILL, the whole tree
}

// Signal is written by name, with or without SIG: "TERM", "SIGINT".
type Signal syscall.Signal

// Umask is written as octal digits in a string: "027".
type Umask uint32
