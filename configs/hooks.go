package configs

// Hook names the moment of a hook's commands, and is their key.
type Hook string

// The hooks.
const (
	PreStart  Hook = "pre_start"
	PostStart Hook = "post_start"
	PreStop   Hook = "pre_stop"
	PostStop  Hook = "post_stop"
)

// Hook gives the commands for one moment, in the order in which they are run.
func (s *Service) Hook(h Hook) []Command {
	switch h {
	case PreStart:
		return s.PreStart
	case PostStart:
		return s.PostStart
	case PreStop:
		return s.PreStop
	case PostStop:
		return s.PostStop
	}
	return nil
}

// validateHooks judges each command line of each hook.
func (s *Service) validateHooks(c *collector, p place) {
	for _, h := range [...]Hook{PreStart, PostStart, PreStop, PostStop} {
		for i, argv := range s.Hook(h) {
			program(c, p.key(string(h)).element(i), argv)
		}
	}
	positive(c, p.key("hook_timeout"), s.HookTimeout)
}
