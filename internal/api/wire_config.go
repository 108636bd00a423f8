package api

import "time"

// ConfigReply is the effective configuration, secrets masked.
type ConfigReply struct {
	Text       string    `json:"text"` // TOML
	Files      []string  `json:"files"`
	Generation uint64    `json:"generation"`
	LoadedAt   time.Time `json:"loaded_at"`

	Values []ConfigValue `json:"values"` // the same, key by key
}

// ConfigValue is one key of the effective configuration, and where its value comes from.
type ConfigValue struct {
	Table  string `json:"table"`  // "daemon", "service.web", "check.tmp"
	Key    string `json:"key"`    // in dots
	Value  string `json:"value"`  // TOML, secrets masked
	Origin string `json:"origin"` // "FILE:LINE", "[maintenance] FILE:LINE", "default", "default because stateful = true", "--state-dir"
	File   string `json:"file"`   // "" where it is from no file
	Line   int    `json:"line"`
}

// Change is what a reload would do, or did, to one service.
type Change struct {
	Service      string   `json:"service"`
	Kind         string   `json:"kind"` // added removed changed
	Keys         []string `json:"keys"`
	NeedsRestart bool     `json:"needs_restart"`
	Locked       bool     `json:"locked"` // never touched while it is
	Text         string   `json:"text"`   // in words

	Summary string      `json:"summary"` // the text without values
	Details []KeyChange `json:"details"` // key by key; empty unless kind is changed
}

// KeyChange is what a reload would do, or did, to one key. Values are TOML, secrets masked; "" is none.
type KeyChange struct {
	Key    string `json:"key"`
	From   string `json:"from"`
	To     string `json:"to"`
	Effect string `json:"effect"` // now restart restart-supd
}

// DiffReply is `config diff`.
type DiffReply struct {
	Changes  []Change `json:"changes"`
	Mistakes []string `json:"mistakes"` // FILE:LINE: …, all of them; the running config stays
	Warnings []string `json:"warnings"`
}

// Reload asks for the config to be read again.
type Reload struct {
	Apply bool `json:"apply,omitempty"` // also what needs a restart or a stop
}

// ReloadReply says what was done. With mistakes Code is 1 and nothing changed; a locked service that apply left out is 4.
type ReloadReply struct {
	Code       int      `json:"code"`
	Generation uint64   `json:"generation"`
	Changes    []Change `json:"changes"`
	Pending    []string `json:"pending"` // services whose change waits
	Mistakes   []string `json:"mistakes"`

	Failed []ActionResult `json:"failed"` // what apply could not do; Code is the first one's
}

// Version is who answers.
type Version struct {
	Version   string    `json:"version"`
	Commit    string    `json:"commit"`
	Go        string    `json:"go"`
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	StateDir  string    `json:"state_dir"`
	RunDir    string    `json:"run_dir"`
	Config    string    `json:"config"`
	Mode      string    `json:"mode"` // active observe
	Wire      int       `json:"wire"` // WireVersion of the server
	You       You       `json:"you"`
}

// WireVersion rises when the API changes so that an older supctl would err.
const WireVersion = 1

// You is what the daemon takes the peer for.
type You struct {
	Name     string  `json:"name"`
	UID      uint32  `json:"uid"`
	LoginUID *uint32 `json:"login_uid"`
	Session  string  `json:"session"`
	Role     string  `json:"role"`
}
