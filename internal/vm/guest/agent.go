package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/supd/supd/internal/vm"
)

// line is where the host talks to the guest.
const line = "/dev/ttyS1"

// agent does what the host asks, each request in a goroutine of its own, until
// the power goes.
func agent() error {
	tty, err := os.OpenFile(line, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	if err := raw(int(tty.Fd())); err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(r vm.Reply) {
		text, err := json.Marshal(r)
		if err != nil {
			text = []byte(`{"err":"cannot marshal the reply"}`)
		}
		mu.Lock()
		defer mu.Unlock()
		_, _ = tty.Write(append(text, '\n')) // without its line the guest cannot even complain
	}
	say(vm.Reply{})
	in := bufio.NewScanner(tty)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var q vm.Request
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			say(vm.Reply{ID: -1, Err: err.Error()})
			continue
		}
		go func() {
			r, err := do(q)
			if r.ID = q.ID; err != nil {
				r.Err = err.Error()
			}
			say(r)
		}()
	}
	return in.Err()
}

// raw has the line carry bytes as they are, termios(3).
func raw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B115200
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

func do(q vm.Request) (r vm.Reply, err error) {
	switch {
	case q.Do == "off":
		unix.Sync()
		return r, unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case len(q.Args) == 0:
		return r, errors.New("no arguments")
	case q.Do == "write":
		return r, os.WriteFile(q.Args[0], []byte(q.Text), 0o644)
	case q.Do == "read":
		text, err := os.ReadFile(q.Args[0])
		if errors.Is(err, os.ErrNotExist) {
			return vm.Reply{Code: 1}, nil
		}
		r.Out = string(text)
		return r, err
	case q.Do == "signal" && len(q.Args) == 2:
		pid, _ := strconv.Atoi(q.Args[0])
		number, _ := strconv.Atoi(q.Args[1])
		return r, syscall.Kill(pid, syscall.Signal(number))
	case q.Do == "run":
		out, err := exec.Command(q.Args[0], q.Args[1:]...).CombinedOutput()
		r.Out = string(out)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			r.Code, err = exit.ExitCode(), nil
		}
		return r, err
	case q.Do == "daemon":
		return daemon(q.Args, q.Text)
	case q.Do == "delegate":
		return r, delegate(q.Args[0])
	}
	return r, errors.New("cannot do " + strconv.Quote(q.Do))
}

// delegate makes a cgroup and hands it over as systemd does (Delegate=, systemd.resource-control(5)).
func delegate(cgroup string) error {
	if err := os.MkdirAll(cgroup, 0o755); err != nil {
		return err
	}
	return unix.Setxattr(cgroup, "trusted.delegate", []byte("1"), 0)
}

// daemon starts supd in a cgroup, as systemd does, and does not wait for it.
func daemon(args []string, where string) (r vm.Reply, err error) {
	if err := os.MkdirAll(where, 0o755); err != nil {
		return r, err
	}
	cgroup, err := os.Open(where)
	if err != nil {
		return r, err
	}
	defer cgroup.Close()
	log, err := os.OpenFile("/run/supd.log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return r, err
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(cgroup.Fd()), Setsid: true}
	if err := cmd.Start(); err != nil {
		return r, err
	}
	go func() { _ = cmd.Wait() }() // reaps it; how it ended is the host's to ask
	r.Out = strconv.Itoa(cmd.Process.Pid)
	return r, nil
}
