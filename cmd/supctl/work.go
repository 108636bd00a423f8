package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/api"
)

// work is a command that supctl runs for somebody, in their terminal and in supctl's own process group: the shell's job
// control sees one job.
type work struct {
	argv []string
	path string // of the program
	env  []string
	in   io.Reader
	out  io.Writer
	errs io.Writer

	terminal *ownTerminal // opened before anything is locked: later it may have gone unseen

	files []*os.File          // for the child, from descriptor 3 on
	begun func(pid int) error // called once it has a process, may be nil; its error is run's after the end
	lost  bool                // set by run: the terminal went away
}

// signalled is what a shell adds to a signal's number for an exit code.
const signalled = 128

// prepare finds the program before anything is locked; without a command it is a shell, for which somebody must be there.
func (a *app) prepare(w *work, targets []string) error {
	if len(w.argv) == 0 {
		if !isTerminal(a.in) {
			return usage("no command, and no terminal for a shell: say -- COMMAND")
		}
		return a.prepareShell(w, targets)
	}
	path, err := exec.LookPath(w.argv[0])
	if err != nil {
		return api.Errorf(api.CodeFailed, "cannot run %q: %v; nothing was locked", w.argv[0], errors.Unwrap(err))
	}
	w.path = path
	return nil
}

// prepareShell has the person's shell show in its prompt what is locked.
func (a *app) prepareShell(w *work, targets []string) error {
	shell := a.env("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	mark := "[lock " + joinTargets(targets) + "] "
	w.path, w.argv = shell, []string{shell}
	if filepath.Base(shell) != "bash" { // most others take the prompt from the environment, unless their own files set one
		w.env = append(w.env, "PS1="+mark+"$ ")
		return nil
	}
	// bash's own file sets the prompt: it is read first.
	fd, err := unix.MemfdCreate("supctl-bashrc", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("cannot mark the prompt: %w", err)
	}
	rc := os.NewFile(uintptr(fd), "supctl-bashrc")
	if _, err := fmt.Fprintf(rc, "[ -r ~/.bashrc ] && . ~/.bashrc\nexec 3<&-\nPS1=%s\"$PS1\"\n", api.ShellQuote(mark)); err != nil {
		return fmt.Errorf("cannot mark the prompt: %w", err)
	}
	w.files = []*os.File{rc}
	w.argv = append(w.argv, "--rcfile", "/proc/self/fd/3", "-i")
	return nil
}

// passed are the signals that go on to the command. Those that a terminal sends reach it without supctl.
func passed() []os.Signal {
	return []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2}
}

// run runs the command to its end. The error says that it did not begin.
func (w *work) run() (code int, err error) {
	cmd := exec.Command(w.path, w.argv[1:]...)
	cmd.Args = w.argv
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = w.in, w.out, w.errs, w.files
	cmd.Env = append(os.Environ(), w.env...)
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passed()...)
	defer signal.Stop(signals)
	var failed error
	err = cmd.Start()
	for _, f := range w.files {
		f.Close()
	}
	if err == nil && w.begun != nil {
		failed = w.begun(cmd.Process.Pid)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot run %q: %w", w.argv[0], err)
	}
	over := make(chan struct{})
	go func() { defer close(over); _ = cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				w.lost = true
			}
			if !w.terminal.sent(sig) {
				cmd.Process.Signal(sig)
			}
		case <-over:
			w.lost = w.lost || w.terminal.gone()
			w.terminal.takeBack()
			return exitCode(cmd.ProcessState), failed
		}
	}
}

// exitCode is a program's end as a shell tells it.
func exitCode(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return signalled + int(ws.Signal())
	}
	return s.ExitCode()
}

// ownTerminal is the controlling terminal, nil without one.
type ownTerminal struct {
	fd    int
	group int // supctl's process group
	front bool
}

func openTerminal() *ownTerminal {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	t := &ownTerminal{fd: fd, group: unix.Getpgrp()}
	t.front = t.inFront()
	return t
}

func (t *ownTerminal) close() {
	if t != nil {
		unix.Close(t.fd)
	}
}

// inFront: supctl's process group has the terminal.
func (t *ownTerminal) inFront() bool {
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	return err == nil && group == t.group
}

// sent says whether the terminal itself has sent a signal to the command as well: keys do, to everybody in front.
func (t *ownTerminal) sent(sig os.Signal) bool {
	return t != nil && (sig == syscall.SIGINT || sig == syscall.SIGQUIT) && t.inFront()
}

// gone: it was hung up. A shell may have read its end before anybody is sent SIGHUP, so that signal alone does not tell.
func (t *ownTerminal) gone() bool {
	if t == nil {
		return false
	}
	at := []unix.PollFd{{Fd: int32(t.fd)}}
	n, err := unix.Poll(at, 0)
	return err == nil && n == 1 && at[0].Revents&unix.POLLHUP != 0
}

// takeBack gives the terminal to supctl's group again, should a shell that was killed have kept it.
func (t *ownTerminal) takeBack() {
	if t == nil || !t.front || t.inFront() {
		return
	}
	signal.Ignore(syscall.SIGTTOU) // sent to who does this from behind (tcsetpgrp(3))
	defer signal.Reset(syscall.SIGTTOU)
	_ = unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, t.group)
}
