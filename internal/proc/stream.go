package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// streamLineMax bounds one line of a Stream; a longer one ends it.
const streamLineMax = 4 << 20

// Stream runs c and gives each line of its output as it comes, without its end and valid only during the call, until ctx or the
// program ends or each fails; then its whole process group is killed. Who takes a line slowly slows the program down, and
// nothing is kept. Of c's bounds only Argv, Dir, Env and User count. Error: that of each, what kept it from being started or read, or
// *StreamEndedError where the program ended by itself; nil when ctx ended.
func (t *Table) Stream(ctx context.Context, c Command, each func(line []byte) error) error {
	path, err := FindProgram(c.Argv[0], c.Env)
	if err != nil {
		return fmt.Errorf("cannot run %q: %w", c.Argv[0], err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	out, outChild, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	said, saidChild, err := os.Pipe()
	if err != nil {
		outChild.Close()
		return err
	}
	defer said.Close()
	p, err := t.Start(Attr{Path: path, Argv: c.Argv, Dir: c.Dir, Env: c.Env, User: c.User, Group: true, KillGroup: true,
		Files: []uintptr{null.Fd(), outChild.Fd(), saidChild.Fd()}})
	outChild.Close()
	saidChild.Close()
	if err != nil {
		return fmt.Errorf("cannot run %q: %w", c.Argv[0], err)
	}
	errs := make(chan capture, 1)
	go func() { errs <- readBounded(said, OutputBytesDefault) }()
	// Closing the pipe ends a read that waits.
	stop := context.AfterFunc(ctx, func() { out.Close() })
	err = eachLine(out, each)
	stop()
	p.SignalGroup(unix.SIGKILL)
	<-p.Done()
	said.SetReadDeadline(time.Now().Add(outputGrace))
	last := <-errs
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	return &StreamEndedError{Program: c.Argv[0], Said: string(last.kept)}
}

// StreamEndedError: a program whose output was followed has ended by itself.
type StreamEndedError struct{ Program, Said string }

func (e *StreamEndedError) Error() string {
	if said := strings.TrimSpace(e.Said); said != "" {
		return fmt.Sprintf("%s has ended: %s", e.Program, said)
	}
	return e.Program + " has ended"
}

// eachLine ends with nil at the end of the file.
func eachLine(r *os.File, each func([]byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, streamLineMax)
	for lines.Scan() {
		if err := each(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("cannot read a program's output: %w", err)
	}
	return nil
}
