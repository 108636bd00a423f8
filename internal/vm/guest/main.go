// Guest is everything in a test's machine that is neither kernel nor supd: PID 1,
// the agent at the serial line, and the services.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	var err error
	switch {
	case os.Getpid() == 1:
		err = boot()
	case len(os.Args) > 1 && os.Args[1] == "agent":
		err = agent()
	case len(os.Args) > 2 && os.Args[1] == "service":
		err = service(os.Args[2], os.Args[3:])
	case len(os.Args) > 1 && os.Args[1] == "bootid":
		err = bootID()
	case len(os.Args) > 1 && os.Args[1] == "sync":
		unix.Sync()
	case len(os.Args) > 2 && os.Args[1] == "clock":
		err = setClock(os.Args[2])
	default:
		err = errors.New("no such role")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}

// bootID prints the kernel's name for this boot, random(4).
func bootID() error {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	return err
}

// setClock sets the wall clock to so many seconds since 1970, at once, as an operator does (settimeofday(2)).
func setClock(seconds string) error {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	return unix.Settimeofday(&unix.Timeval{Sec: n})
}

// mounts are made in this order.
var mounts = []struct{ kind, at string }{
	{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"cgroup2", "/sys/fs/cgroup"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"}, {"ext4", "/var/lib"},
}

// controllers are handed down to supd, as a unit with Delegate=yes gets them.
const controllers = "+cpu +memory +pids"

// boot makes the machine usable, starts the agent, and reaps for ever.
func boot() error {
	for _, m := range mounts {
		from := m.kind
		if m.kind == "ext4" {
			if err := loadModules(); err != nil {
				return err
			}
			from = "/dev/vda"
		}
		if err := mount(from, m.at, m.kind); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/sys/fs/cgroup/supd.service", "/run/services"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte(controllers), 0); err != nil {
		return err
	}
	if _, err := os.StartProcess("/proc/self/exe", []string{"guest", "agent"}, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Env: []string{"PATH=/bin", "HOME=/"}}); err != nil {
		return err
	}
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// diskWait is how long the kernel may take to find its disk.
const diskWait = 20 * time.Second

// mount waits for a disk that the kernel is still looking at.
func mount(from, at, kind string) error {
	for until := time.Now().Add(diskWait); ; time.Sleep(time.Millisecond) {
		err := unix.Mount(from, at, kind, 0, "")
		if err == nil || !errors.Is(err, unix.ENOENT) || time.Now().After(until) {
			if err != nil {
				err = fmt.Errorf("cannot mount %q: %w", at, err)
			}
			return err
		}
	}
}

func loadModules() error {
	files, err := filepath.Glob("/modules/*.ko")
	if err != nil {
		return err
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil {
			return fmt.Errorf("cannot load %q: %w", file, err)
		}
	}
	return nil
}

// service notes its start in a file that does not outlive the machine, then does
// what it is told until it is signalled: "child" forks one, "end" does not wait, "eat" takes memory,
// "fork" as many processes as it may, "spin" the processor.
func service(name string, does []string) error {
	log, err := os.OpenFile("/run/services/"+name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	note := func(text string) {
		if _, err := log.WriteString(text + " " + strconv.Itoa(os.Getpid()) + "\n"); err != nil {
			panic(err) // a start that nobody counts would make every test pass
		}
	}
	note("start")
	for _, what := range does {
		switch what {
		case "child":
			if _, err := os.StartProcess("/proc/self/exe", []string{"guest", "service", name + "-child"}, &os.ProcAttr{Env: os.Environ()}); err != nil {
				return err
			}
		case "eat":
			var kept [][]byte
			for range 1024 {
				block := make([]byte, 1<<20)
				for i := 0; i < len(block); i += 4096 {
					block[i] = 1
				}
				kept = append(kept, block)
			}
			note("ate " + strconv.Itoa(len(kept)))
		case "fork":
			for i := 0; ; i++ {
				if _, err := os.StartProcess("/proc/self/exe", []string{"guest", "service", name + "-child"}, &os.ProcAttr{Env: os.Environ()}); err != nil {
					note("forked " + strconv.Itoa(i))
					break
				}
				if i == 200 {
					note("forked without end")
					break
				}
			}
		case "end":
			return nil
		case "spin":
			go func() {
				for spins := 0; ; spins++ {
					_ = spins
				}
			}()
		}
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGTERM)
	<-told
	note("SIGTERM")
	return nil
}
