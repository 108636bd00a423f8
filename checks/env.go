package checks

import (
	"context"
	"time"
)

// Env is what a check may use of the world beside sockets and files. The scheduler asks for one per run. A nil function
// makes the checks that need it Unknown.
type Env struct {
	// Run runs a program to its end. When ctx ends it kills the program's whole process group and says so in TimedOut.
	// An error means that the program could not be started.
	Run func(ctx context.Context, cmd Command) (Output, error)
	// Process is the main process of the check's service; false while there is none.
	Process func() (Process, bool)
	// Sample reads a process's figures. An error means that it is gone or cannot be read.
	Sample func(ctx context.Context, p Process) (Sample, error)
}

// Command is a program that a check runs. Nothing goes through a shell.
type Command struct {
	Argv           []string
	Dir            string   // "" = /
	Env            []string // NAME=value, beside the clean environment that every child gets
	User           string   // name or number; "" = supd's own
	Stdin          []byte   // nil: /dev/null
	OutputBytesMax int      // kept of each stream; what is beyond is read and dropped
}

// Output is what came of a Command.
type Output struct {
	Known     bool // Code and Signal are known
	Code      int  // exit code when Signal is 0
	Signal    int  // that killed it
	Stdout    []byte
	Stderr    []byte
	Truncated bool // there was more output than OutputBytesMax
	TimedOut  bool // ctx ended first, the process group was killed
}

// Process names a process that a check looks at: a pid alone could be somebody else's by now.
type Process struct {
	PID       int
	StartTime uint64 // /proc/PID/stat field 22: clock ticks since boot
}

// Sample is what a process uses at one moment.
type Sample struct {
	At  time.Time     // with its monotonic reading
	RSS uint64        // bytes
	CPU time.Duration // user and system, since its start
}
