package vm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// bootWait is for an emulated machine on a busy host; it boots in about 4 s.
const bootWait = 90 * time.Second

// ErrOff is the answer to a request that the machine's end overtook: what was
// asked may have been done, or not.
var ErrOff = errors.New("the machine is off")

// Machine is one that runs. It is made by Boot, and over with Cut or Off. Its
// requests may be made from several goroutines.
type Machine struct {
	qemu    *exec.Cmd
	console string // the kernel's words, a file
	in      io.Writer
	gone    chan struct{} // closed when qemu was reaped and the disk's server has returned

	mu      sync.Mutex
	last    int
	waiting map[int]chan Reply
	off     bool
}

// Boot starts a machine with this disk and waits until its agent answers. dir is
// for its sockets and logs, and is the machine's own.
// no_timer_check: under load an emulated timer comes too late for the kernel, which panics at boot.
func Boot(img *Image, disk *Disk, dir string) (*Machine, error) {
	socket := filepath.Join(dir, "disk.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	m := &Machine{console: filepath.Join(dir, "console"), gone: make(chan struct{}), waiting: map[int]chan Reply{}}
	m.qemu = exec.Command("qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "384", "-smp", "1", "-no-reboot", "-nodefaults", "-display", "none",
		"-kernel", img.kernel, "-initrd", img.initrd, "-append", "console=ttyS0 quiet panic=-1 no_timer_check cgroup_no_v1=all mitigations=off random.trust_cpu=on",
		"-drive", "file=nbd:unix:"+socket+",format=raw,if=virtio,cache=writeback",
		"-serial", "file:"+m.console, "-chardev", "stdio,id=agent,signal=off", "-serial", "chardev:agent")
	in, err := m.qemu.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := m.qemu.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.in = in
	var words strings.Builder
	m.qemu.Stderr = &words
	booted := make(chan Reply, 1)
	m.waiting[0] = booted
	if err := m.qemu.Start(); err != nil {
		return nil, err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if conn, err := listener.Accept(); err == nil {
			if err := disk.serve(conn); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}()
	go func() {
		m.listen(out)
		_ = m.qemu.Wait() // killed, or powered off: both are what was asked for
		listener.Close()
		<-served
		close(m.gone)
	}()
	timer := time.NewTimer(bootWait)
	defer timer.Stop()
	select {
	case _, ok := <-booted:
		if ok {
			return m, nil
		}
		<-m.gone
	case <-timer.C:
		m.Cut()
	}
	console, _ := os.ReadFile(m.console)
	return nil, fmt.Errorf("cannot boot: %s\n%s", words.String(), console)
}

// listen gives the guest's replies to who waits for them, until qemu ends.
func (m *Machine) listen(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var r Reply
		if json.Unmarshal(text, &r) != nil {
			continue
		}
		m.mu.Lock()
		if c := m.waiting[r.ID]; c != nil {
			c <- r // has room for its one answer
			delete(m.waiting, r.ID)
		}
		m.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = true
	for _, c := range m.waiting {
		close(c)
	}
}

// ask sends a request and waits for its answer. It returns ErrOff when there will
// be none.
func (m *Machine) ask(q Request) (Reply, error) {
	answer := make(chan Reply, 1)
	m.mu.Lock()
	if m.off {
		m.mu.Unlock()
		return Reply{}, ErrOff
	}
	m.last++
	q.ID = m.last
	m.waiting[q.ID] = answer
	text, err := json.Marshal(q)
	if err == nil {
		_, _ = m.in.Write(append(text, '\n')) // one that fails is answered by the end of the machine
	}
	m.mu.Unlock()
	if err != nil {
		return Reply{}, err
	}
	r, ok := <-answer
	if !ok {
		return Reply{}, ErrOff
	}
	if r.Err != "" {
		return r, fmt.Errorf("cannot %s %q in the guest: %s", q.Do, q.Args, r.Err)
	}
	return r, nil
}

// Run runs a command in the guest and returns its exit code and output.
func (m *Machine) Run(args ...string) (code int, out string, err error) {
	r, err := m.ask(Request{Do: "run", Args: args})
	return r.Code, r.Out, err
}

// Daemon starts a command in a cgroup, which is made if need be, and returns its pid.
func (m *Machine) Daemon(cgroup string, args ...string) (pid int, err error) {
	r, err := m.ask(Request{Do: "daemon", Args: args, Text: cgroup})
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(r.Out)
}

// Delegate makes a cgroup and hands it over as systemd does.
func (m *Machine) Delegate(cgroup string) error {
	_, err := m.ask(Request{Do: "delegate", Args: []string{cgroup}})
	return err
}

// Write makes a file in the guest, without fsync.
func (m *Machine) Write(path, text string) error {
	_, err := m.ask(Request{Do: "write", Args: []string{path}, Text: text})
	return err
}

// Read is the content of a file in the guest; "" if there is none.
func (m *Machine) Read(path string) (string, error) {
	r, err := m.ask(Request{Do: "read", Args: []string{path}})
	return r.Out, err
}

// Signal signals a process in the guest.
func (m *Machine) Signal(pid, number int) error {
	_, err := m.ask(Request{Do: "signal", Args: []string{strconv.Itoa(pid), strconv.Itoa(number)}})
	return err
}

// Console is what the kernel said so far.
func (m *Machine) Console() string {
	text, _ := os.ReadFile(m.console)
	return string(text)
}

// Cut takes the power away at once, and returns when no write can reach the disk
// any more. Disk.Cut then says what was lost.
func (m *Machine) Cut() {
	_ = m.qemu.Process.Kill() // one that is dead already is what was wanted
	<-m.gone
}

// Off syncs and powers the machine off.
func (m *Machine) Off() error {
	_, err := m.ask(Request{Do: "off"})
	if err != nil && !errors.Is(err, ErrOff) {
		return err
	}
	<-m.gone
	return nil
}
