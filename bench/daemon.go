package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// daemon is a private supd with n services that say when they begin.
type daemon struct {
	cmd    *exec.Cmd
	s      *settings
	births *births
	dir    string
}

func startDaemon(s *settings, n int) (*daemon, error) {
	dir, err := os.MkdirTemp(s.dir, "d-")
	if err != nil {
		return nil, err
	}
	d := &daemon{s: s, dir: dir}
	if d.births, err = listenBirths(dir); err != nil {
		return nil, err
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "[maintenance]\nsettle = \"0s\"\n[daemon]\non_exit = \"stop\"\n")
	for i := range n {
		fmt.Fprintf(&conf, "[service.s%d]\ncommand = [%q, %q, \"s%d\"]\nlog = \"none\"\n", i, filepath.Join(s.dir, "mark"), d.births.path, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "supd.toml"), []byte(conf.String()), 0o600); err != nil {
		return nil, err
	}
	d.cmd = exec.Command(filepath.Join(s.dir, "supd"), "--config", filepath.Join(dir, "supd.toml"),
		"--state-dir", filepath.Join(dir, "state"), "--run-dir", filepath.Join(dir, "run"))
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.cmd.Stderr = log
	return d, d.cmd.Start()
}

// supctl is one run of the client; its output is an error's text.
func (d *daemon) supctl(args ...string) error {
	cmd := exec.Command(filepath.Join(d.s.dir, "supctl"), args...)
	cmd.Env = append(os.Environ(), "SUPD_SOCKET="+filepath.Join(d.dir, "run", "supd.sock"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("supctl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// stop ends supd and its services.
func (d *daemon) stop() error {
	defer d.births.close()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := d.cmd.Wait(); err != nil {
		text, _ := os.ReadFile(filepath.Join(d.dir, "log"))
		return fmt.Errorf("supd: %w\n%s", err, text)
	}
	return nil
}
