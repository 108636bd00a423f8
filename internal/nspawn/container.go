package nspawn

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed boot.sh
var bootScript string

const (
	bootMax = 60 * time.Second      // until systemd says that it runs, on a loaded machine
	endMax  = 10 * time.Second      // until the kernel has killed a container
	lookGap = 50 * time.Millisecond // between two looks
)

// Container is a booted systemd. Not for concurrent use, but for Run.
type Container struct {
	name string
	dir  string
	cmd  *exec.Cmd
	gone chan struct{}
	log  bytes.Buffer // the boot's own output
	pid  int          // of its PID 1, as the host sees it
}

// Boot starts a container and returns when its systemd runs all it has to. share is a directory that it sees as /shared.
// Whoever boots calls Close.
func Boot(name, share string) (*Container, error) {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return nil, err
	}
	c := &Container{name: fmt.Sprint(name, "-", os.Getpid()), dir: dir, gone: make(chan struct{})}
	c.cmd = exec.Command("bash", "-c", bootScript, "boot.sh", dir, c.name, share)
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	c.cmd.WaitDelay = endMax
	if err := c.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	go func() { defer close(c.gone); _ = c.cmd.Wait() }()
	if err := c.awaitBoot(); err != nil {
		err = fmt.Errorf("cannot boot a systemd: %w", err)
		if cerr := c.Close(); cerr == nil { // the log is complete then
			err = fmt.Errorf("%w\n%s", err, &c.log)
		}
		return nil, err
	}
	return c, nil
}

// awaitBoot waits until systemd says that it is done with booting.
func (c *Container) awaitBoot() error {
	deadline := time.After(bootMax)
	for said := "no PID 1"; ; {
		select {
		case <-c.gone:
			return errors.New("systemd-nspawn has ended")
		case <-deadline:
			return fmt.Errorf("not within %s: %s", bootMax, said)
		case <-time.After(lookGap):
		}
		if c.pid = c.leader(); c.pid == 0 {
			continue
		}
		_, said = c.Run("systemctl", "is-system-running")
		if said = strings.TrimSpace(said); said == "running" || said == "degraded" {
			return nil
		}
	}
}

// leader is the process that is PID 1 inside, 0 if there is none yet.
func (c *Container) leader() int {
	for _, at := range cgroups() {
		text, _ := os.ReadFile(filepath.Join(at, c.name, "payload/init.scope/cgroup.procs"))
		for _, pid := range strings.Fields(string(text)) {
			status, _ := os.ReadFile("/proc/" + pid + "/status")
			_, ids, _ := strings.Cut(string(status), "\nNSpid:")
			ids, _, _ = strings.Cut(ids, "\n")
			if strings.HasSuffix(ids, "\t1") {
				n, _ := strconv.Atoi(pid)
				return n
			}
		}
	}
	return 0
}

// Run runs a program in the container, as root, and returns its exit code (-1: it did not run, or was killed) and all that it
// wrote. Safe for concurrent use.
func (c *Container) Run(argv ...string) (code int, out string) {
	ctx, cancel := context.WithTimeout(context.Background(), bootMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(c.pid), "--all", "--"}, argv...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	cmd.WaitDelay = endMax
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return -1, err.Error()
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// Close kills the container and removes every trace of it.
func (c *Container) Close() error {
	for _, at := range cgroups() {
		dir := filepath.Join(at, c.name)
		if err := killAll(dir); err != nil {
			return err
		}
	}
	select {
	case <-c.gone:
	case <-time.After(endMax):
		c.cmd.Process.Signal(syscall.SIGKILL)
		<-c.gone
	}
	for _, at := range cgroups() {
		removeTree(filepath.Join(at, c.name))
	}
	return os.RemoveAll(c.dir)
}

// killAll ends every process below a cgroup, and waits until they are dead.
func killAll(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		return nil // not there, or systemd's named hierarchy, which has the same processes
	}
	for deadline := time.Now().Add(endMax); ; {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.events"))
		if err != nil || strings.Contains(string(text), "populated 0") {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot end the processes below %q within %s", dir, endMax)
		}
		time.Sleep(lookGap)
	}
}

// removeTree removes empty cgroups, the deepest first.
func removeTree(dir string) {
	var all []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	for i := len(all) - 1; i >= 0; i-- {
		_ = unix.Rmdir(all[i]) // another run's may be left: nothing depends on it
	}
}

// cgroups are the mount points of the hierarchies that a container lives in.
func cgroups() (all []string) {
	f, err := os.Open("/proc/mounts")
	if err != nil {
		return nil
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		w := strings.Fields(in.Text())
		if len(w) > 3 && (w[2] == "cgroup2" || w[2] == "cgroup" && strings.Contains(w[3], "name=systemd")) {
			all = append(all, w[1])
		}
	}
	return all
}
