package storm

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// note is one line of the witnesses' file.
type note struct {
	What    string `json:"what"` // birth, signal, bye
	T       moment `json:"t"`
	Fork    moment `json:"fork"` // with PID: which process; the beginning of the tick in which it was forked
	Forked  moment `json:"-"`    // exactly, where the kernel says so
	PID     int    `json:"pid"`
	Label   string `json:"label"` // what is run; a renamed service keeps it
	Name    string `json:"name"`  // SUPD_SERVICE
	Gen     string `json:"gen"`   // SUPD_GENERATION
	Child   bool   `json:"child"` // forked by the service, not by supd
	Twice   bool   `json:"twice"` // at birth: another one was alive
	Crowded bool   `json:"crowded"`
	Signal  string `json:"signal"`
}

// stopSignal is what supd sends to stop a service of the storm, so that it is told from what people and the hunter send.
const stopSignal = syscall.SIGUSR1

// self is what a witness notes of itself.
type self struct {
	note
	dir  string
	conn net.Conn
}

// witness is the role of a service.
func witness(args []string) int {
	fs := flag.NewFlagSet("witness", flag.ExitOnError)
	dir := fs.String("dir", "", "of the storm")
	label := fs.String("label", "", "")
	deaf := fs.Bool("deaf", false, "the stop signal ends nothing")
	slow := fs.Duration("slow", 0, "from the stop signal to the end")
	crash := fs.Duration("crash", 0, "exit 1 by itself after up to this time")
	job := fs.Duration("job", 0, "exit 0 after this time")
	child := fs.Bool("with-child", false, "have a child that outlives it")
	isChild := fs.Bool("child", false, "be such a child")
	if fs.Parse(args) != nil || *dir == "" {
		return 2
	}
	// First of all: what is not noted has not happened, for the judge.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, stopSignal, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	w, err := born(*dir, *label, *isChild)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	go w.endWithStorm()
	if *child {
		c := exec.Command("/proc/self/exe", "witness", "-dir", *dir, "-label", *label, "-deaf", "-child")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			return w.bye(4)
		}
		go c.Wait()
	}
	w.ready()
	var crashes, done, stopped <-chan time.Time
	if *crash > 0 {
		crashes = time.After(rand.N(*crash))
	}
	if *job > 0 {
		done = time.After(*job)
	}
	for {
		select {
		case <-crashes:
			return w.bye(1)
		case <-done:
			return w.bye(0)
		case <-stopped:
			return w.bye(0)
		case s := <-signals:
			w.heard(s.(syscall.Signal))
			switch {
			case *isChild || s == stopSignal && *deaf:
			case s == stopSignal && *slow > 0:
				stopped = time.After(*slow)
			default: // die of it, as a program that does not catch it
				signal.Reset(s)
				syscall.Kill(os.Getpid(), s.(syscall.Signal))
			}
		}
	}
}

// born notes the birth, in the file and on the socket, which stays open for life: the kernel closes it at death.
func born(dir, label string, child bool) (*self, error) {
	w := &self{dir: dir, note: note{
		What: "birth", T: now(), PID: os.Getpid(), Label: label, Name: os.Getenv("SUPD_SERVICE"), Gen: os.Getenv("SUPD_GENERATION"), Child: child,
	}}
	w.Fork, _ = forkTime(w.PID)
	var err error
	// The descriptors stay open for life too, and close before anybody can learn of the death.
	if child {
		_, err = w.flock("children", unix.LOCK_SH)
	} else {
		w.Twice, err = w.flock("alone", unix.LOCK_EX)
		if err == nil {
			w.Crowded, err = w.flock("children", unix.LOCK_EX)
		}
	}
	if err == nil {
		err = w.write()
	}
	if err == nil {
		w.conn, err = net.Dial("unix", filepath.Join(dir, "witness.sock"))
	}
	if err == nil {
		err = json.NewEncoder(w.conn).Encode(w.note)
	}
	return w, err
}

// flock says whether somebody else has the lock of that name for this label. The lock of the children is not kept by the
// main process, or its own children could not have it.
func (w *self) flock(name string, how int) (taken bool, err error) {
	f, err := os.OpenFile(filepath.Join(w.dir, w.Label+"."+name), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o666)
	if err != nil {
		return false, err
	}
	if err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if name == "children" && how == unix.LOCK_EX {
		return false, errors.Join(err, f.Close())
	}
	keep(f)
	return false, err
}

// keep gives a descriptor to the process for good: no finalizer closes it.
func keep(f *os.File) {
	if fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0); err == nil && fd >= 0 {
		f.Close()
	}
}

// write appends one line in one write, which the kernel does not mix with others' (O_APPEND).
func (w *self) write() error {
	f, err := os.OpenFile(filepath.Join(w.dir, "witnesses"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	line, err := json.Marshal(w.note)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	return err
}

func (w *self) heard(s syscall.Signal) {
	w.What, w.T, w.Signal = "signal", now(), unix.SignalName(s)
	w.write()
}

// bye notes an end of one's own accord.
func (w *self) bye(code int) int {
	w.What, w.T, w.Signal = "bye", now(), strconv.Itoa(code)
	w.write()
	return code
}

// endWithStorm keeps a witness from outliving a storm that was killed.
func (w *self) endWithStorm() {
	io.Copy(io.Discard, bufio.NewReader(w.conn))
	os.Exit(5)
}

// ready is sd_notify's READY=1, where supd wants it.
func (w *self) ready() {
	if at := os.Getenv("NOTIFY_SOCKET"); at != "" {
		if c, err := net.Dial("unixgram", at); err == nil {
			fmt.Fprint(c, "READY=1")
			c.Close()
		}
	}
}

// ask is the stop program of a service that has one: it sends the stop signal and waits for the end.
func ask([]string) int {
	pid, err := strconv.Atoi(os.Getenv("MAINPID"))
	if err != nil || pid <= 1 {
		return 0
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0
	}
	if unix.PidfdSendSignal(fd, stopSignal, nil, 0) == nil {
		unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 2000)
	}
	return 0
}
