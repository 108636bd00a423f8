package e2e

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// note is one line of a witness's log.
type note struct {
	T    int64  `json:"t"` // CLOCK_BOOTTIME, ns
	PID  int    `json:"pid"`
	What string `json:"what"` // start, child, twice, ran, SIGNAL by name
	Gen  string `json:"gen"`  // SUPD_GENERATION, as supd set it
}

// witness is a service: it notes that it runs and every signal it gets.
// Two at once of one log are noted as "twice".
func witness(args []string) int {
	fs := flag.NewFlagSet("witness", flag.ExitOnError)
	log := fs.String("log", "", "the log")
	ignore := fs.Bool("ignore-term", false, "SIGTERM ends nothing")
	slow := fs.Duration("slow-stop", 0, "time from SIGTERM to the end")
	after := fs.Duration("exit-after", -1, "ends by itself")
	code := fs.Int("code", 0, "exit code then, and after -slow-stop")
	failIf := fs.String("fail-if", "", "exit 1 at once while this file is there")
	ready := fs.Duration("ready-after", -1, "send READY=1 after this time")
	readyIf := fs.String("ready-if", "", "send READY=1 once this file is there")
	children := fs.Int("children", 0, "processes that outlive it: own session, SIGTERM ignored")
	listen := fs.String("listen", "", "accept connections here")
	once := fs.String("once", "", "note this word and exit: a script")
	orphan := fs.Bool("orphan", false, "be such a child")
	if fs.Parse(args) != nil || *log == "" {
		return 2
	}
	if *once != "" {
		write(*log, *once)
		if *after > 0 {
			<-time.After(*after)
		}
		return *code
	}
	if *orphan {
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
		write(*log, "child")
		select {}
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGINT, syscall.SIGQUIT)
	alone, err := os.OpenFile(*log+".alone", os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o666)
	if err == nil && errors.Is(unix.Flock(int(alone.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK) {
		write(*log, "twice")
	}
	write(*log, "start")
	if _, err := os.Stat(*failIf); *failIf != "" && err == nil {
		return 1
	}
	if *listen != "" {
		l, err := net.Listen("tcp", *listen)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
	}
	for range *children {
		c := exec.Command("/proc/self/exe", "witness", "-log", *log, "-orphan")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if *ready >= 0 {
		time.AfterFunc(*ready, func() { sendReady(*log) })
	}
	if *readyIf != "" {
		go func() {
			for range time.Tick(pollEvery) {
				if _, err := os.Stat(*readyIf); err == nil {
					sendReady(*log)
					return
				}
			}
		}()
	}
	var end <-chan time.Time
	if *after >= 0 {
		end = time.After(*after)
	}
	for {
		select {
		case <-end:
			return *code
		case s := <-signals:
			name := unix.SignalName(s.(syscall.Signal))
			write(*log, name)
			switch {
			case s == syscall.SIGUSR1, s == syscall.SIGHUP, s == syscall.SIGTERM && *ignore:
			case *slow > 0:
				end = time.After(*slow)
			default: // die of it, as a program that does not catch it
				signal.Reset(s)
				syscall.Kill(os.Getpid(), s.(syscall.Signal))
			}
		}
	}
}

func sendReady(log string) {
	c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		write(log, "no notify socket: "+err.Error())
		return
	}
	defer c.Close()
	write(log, "ready")
	fmt.Fprint(c, "READY=1")
}

// write appends one line in one write.
func write(log, what string) {
	line, _ := json.Marshal(note{T: boottime(), PID: os.Getpid(), What: what, Gen: os.Getenv("SUPD_GENERATION")})
	f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		fmt.Println(err)
		return
	}
	f.Write(append(line, '\n'))
	f.Close()
}

func boottime() int64 {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return ts.Nano()
}

// notes reads what a witness wrote.
func notes(t testing.TB, log string) (all []note) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var n note
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			t.Fatalf("%s: %q: %v", log, line, err)
		}
		all = append(all, n)
	}
	return all
}
