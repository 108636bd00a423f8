package api

// GuardRefused says that a guard did not run its command, because a lock covers the service or its state cannot be read.
type GuardRefused struct {
	Service string `json:"service"`
	Command string `json:"command"` // the command line, for people
}

// GuardReply says that it is on record.
type GuardReply struct {
	Recorded bool `json:"recorded"`
}

func (g *GuardRefused) validate() error {
	if g.Command == "" {
		return Errorf(CodeUsage, "no command")
	}
	return first(targets([]string{g.Service}), text("command", g.Command, reasonBytesMax))
}
