package proc

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// OutputBytesDefault bounds what is kept of each stream.
	OutputBytesDefault = 64 << 10
	// outputGrace is how long output is still read after the program has ended: a
	// descendant in a session of its own may hold the pipe.
	outputGrace = 100 * time.Millisecond
)

// Command is a program that is run to its end: a check's, an alert's. Programs that act
// on a service go through internal/hands.
type Command struct {
	Argv           []string
	Dir            string
	Env            []string // complete
	Stdin          []byte
	User           *User         // nil: as supd
	Timeout        time.Duration // 0: only ctx
	OutputBytesMax int           // of stdout and of stderr each; 0: OutputBytesDefault. What is beyond is read and dropped
}

// Output is what came of a Command.
type Output struct {
	Exit      Exit
	Stdout    []byte
	Stderr    []byte
	Truncated bool // one of the streams had more than OutputBytesMax
	TimedOut  bool // killed because of the timeout or ctx
	Duration  time.Duration
}

// Run runs c to its end. When ctx or the timeout ends first, its whole process group is
// killed; what it leaves behind in its group is killed too when it ends by itself. An
// error means that it could not be started (or ctx was over before).
func (t *Table) Run(ctx context.Context, c Command) (Output, error) {
	if len(c.Argv) == 0 {
		return Output{}, fmt.Errorf("cannot run a program: no command given")
	}
	if err := ctx.Err(); err != nil {
		return Output{}, fmt.Errorf("cannot run %q: %w", c.Argv[0], err)
	}
	path, err := FindProgram(c.Argv[0], c.Env)
	if err != nil {
		return Output{}, fmt.Errorf("cannot run %q: %w", c.Argv[0], err)
	}
	limit := c.OutputBytesMax
	if limit == 0 {
		limit = OutputBytesDefault
	}
	pipes, err := openPipes(c.Stdin, limit)
	if err != nil {
		return Output{}, fmt.Errorf("cannot run %q: %w", c.Argv[0], err)
	}
	began := time.Now()
	p, err := t.Start(Attr{Path: path, Argv: c.Argv, Dir: c.Dir, Env: c.Env, Files: pipes.child(), User: c.User, Group: true, KillGroup: true})
	pipes.closeChild()
	if err != nil {
		pipes.abandon()
		return Output{}, fmt.Errorf("cannot run %q: %w", c.Argv[0], err)
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	var out Output
	select {
	case <-p.Done():
	case <-ctx.Done():
		out.TimedOut = true
		p.SignalGroup(unix.SIGKILL)
		<-p.Done()
	}
	out.Exit, _ = p.Exit()
	out.Duration = time.Since(began)
	pipes.collect(&out)
	return out, nil
}
