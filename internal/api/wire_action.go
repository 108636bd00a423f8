package api

// Action asks for a verb on services.
type Action struct {
	Verb              string   `json:"verb"`    // start stop restart reload signal
	Targets           []string `json:"targets"` // service, @group, --all; web = all of web@1…
	Reason            string   `json:"reason,omitempty"`
	Signal            string   `json:"signal,omitempty"` // verb signal: "HUP", "SIGHUP" or a number
	Override          bool     `json:"override,omitempty"`
	OverrideInterlock bool     `json:"override_interlock,omitempty"`
	WithDependents    bool     `json:"with_dependents,omitempty"`
	NoWait            bool     `json:"no_wait,omitempty"`
	TimeoutS          float64  `json:"timeout_s,omitempty"` // how long the answer is waited for; 0 = until done
}

// ActionReply has one result per service, in the order of the targets. Code is
// the first failure's.
type ActionReply struct {
	Code    int            `json:"code"`
	Results []ActionResult `json:"results"`
}

// ActionResult is what became of one service.
type ActionResult struct {
	Service string `json:"service"`
	Code    int    `json:"code"`
	Text    string `json:"text"` // `started, pid 123`, or the refusal
	Next    string `json:"next,omitempty"`
	PID     int    `json:"pid,omitempty"`
	State   string `json:"state,omitempty"`
}

// Wait asks to be told when targets are so.
type Wait struct {
	Targets  []string `json:"targets"`
	For      string   `json:"for"` // up down ready
	TimeoutS float64  `json:"timeout_s,omitempty"`
}

// WaitReply is the state at the end; Code 1 when the time ran out.
type WaitReply struct {
	Code     int             `json:"code"`
	Services []ServiceStatus `json:"services"`
}
