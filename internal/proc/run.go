package proc

import (
	"context"
	"time"
)

// Command is a program that is run to its end: a check's, an alert's, a hook's.
type Command struct {
	Argv           []string
	Dir            string
	Env            []string // complete
	Stdin          []byte
	User           *User         // nil: as supd
	Timeout        time.Duration // 0: only ctx
	OutputBytesMax int           // of stdout and of stderr each; 0: OutputBytesDefault. What is beyond is read and dropped
}

// OutputBytesDefault bounds what is kept of each stream.
const OutputBytesDefault = 64 << 10

// Output is what came of a Command.
type Output struct {
	Exit      Exit
	Stdout    []byte
	Stderr    []byte
	Truncated bool
	TimedOut  bool
	Duration  time.Duration
}

// Run runs c to its end. When ctx or the timeout ends first, its whole process group is killed; what it left behind
// in its group is killed too when it ends by itself. An error means that it could not be started.
func (t *Table) Run(ctx context.Context, c Command) (Output, error) { return Output{}, errNotBuilt }
