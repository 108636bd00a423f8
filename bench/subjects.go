package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// subject is a supervisor that is measured, or the floor.
type subject struct {
	name    string
	program string // looked for in PATH: where it is not installed it is left out
	most    int    // services it can take, or that are worth the time; 0: any
	gentle  bool   // it ends its services by itself when it is told to, and remembers what was not ended by it
	// command prepares dir for n services named s0, s1, … and says what to run.
	command func(s *settings, dir string, b *births, n int) (argv, env []string, err error)
}

// runsMax is the number of services that svscan (svscan.c) and runsvdir (runsvdir.c) take.
const runsMax = 1000

func (s *settings) mark() string { return filepath.Join(s.dir, "mark") }

// bare is the floor; own is supd; the others run where they are installed.
var (
	bare  = subject{name: "bare fork/exec loop", command: bareCommand}
	own   = subject{name: "supd", command: ownCommand, gentle: true}
	peers = []subject{
		{name: "runit", program: "runsvdir", most: runsMax, command: scanned("runsvdir")},
		{name: "daemontools", program: "svscan", most: runsMax, command: scanned("svscan")},
		{name: "s6, with readiness", program: "s6-svscan", command: s6Command},
		{name: "supervisord", program: "supervisord", most: runsMax, command: supervisordCommand},
		{name: "Monit, cycle of 1 s", program: "monit", most: 100, command: monitCommand},
	}
)

// installed says whether a subject can be measured here.
func (p subject) installed() bool {
	_, err := exec.LookPath(p.program)
	return p.program == "" || err == nil
}

func bareCommand(s *settings, _ string, b *births, n int) (argv, env []string, err error) {
	return []string{filepath.Join(s.dir, "floor"), s.mark(), b.path, fmt.Sprint(n)}, nil, nil
}

// ownCommand is supd with shipped defaults, but for the output: the services have none.
func ownCommand(s *settings, dir string, b *births, n int) (argv, env []string, err error) {
	var conf strings.Builder
	fmt.Fprintf(&conf, "[maintenance]\nsettle = \"0s\"\n[daemon]\non_exit = \"stop\"\n")
	for i := range n {
		fmt.Fprintf(&conf, "[service.s%d]\ncommand = [%q, %q, \"s%d\"]\nlog = \"none\"\n", i, s.mark(), b.path, i)
	}
	file := filepath.Join(dir, "supd.toml")
	return []string{
		filepath.Join(s.dir, "supd"), "--config", file, "--state-dir", filepath.Join(dir, "state"), "--run-dir", runDir(dir),
	}, nil, os.WriteFile(file, []byte(conf.String()), 0o600)
}

// runDir is in memory, as /run is.
func runDir(dir string) string {
	return filepath.Join("/dev/shm", filepath.Base(filepath.Dir(dir)), filepath.Base(dir))
}

// scanned is a supervisor that runs the file "run" of each directory below one.
func scanned(program string, flags ...string) func(*settings, string, *births, int) ([]string, []string, error) {
	return func(s *settings, dir string, b *births, n int) ([]string, []string, error) {
		scan := filepath.Join(dir, "scan")
		for i := range n {
			service := filepath.Join(scan, fmt.Sprintf("s%d", i))
			if err := os.MkdirAll(service, 0o755); err != nil {
				return nil, nil, err
			}
			// The program itself, not a script: a shell would cost more than the supervisor.
			if err := os.Symlink(s.mark(), filepath.Join(service, "run")); err != nil {
				return nil, nil, err
			}
		}
		return append(append([]string{program}, flags...), scan), []string{"MARK_SOCKET=" + b.path}, nil
	}
}

// s6Command tells readiness by descriptor 3: without that s6 waits a second between two starts.
func s6Command(s *settings, dir string, b *births, n int) (argv, env []string, err error) {
	argv, env, err = scanned("s6-svscan", "-c", fmt.Sprint(n+1))(s, dir, b, n)
	for i := 0; i < n && err == nil; i++ {
		err = os.WriteFile(filepath.Join(dir, "scan", fmt.Sprintf("s%d", i), "notification-fd"), []byte("3\n"), 0o644)
	}
	return argv, append(env, "MARK_READY=3"), err
}

func supervisordCommand(s *settings, dir string, b *births, n int) (argv, env []string, err error) {
	var conf strings.Builder
	fmt.Fprintf(&conf, "[supervisord]\nminfds=%d\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=%s\n", 4*n+1024, filepath.Join(dir, "pid"))
	for i := range n {
		fmt.Fprintf(&conf, "[program:s%d]\ncommand=%s %s s%d\nstdout_logfile=NONE\nstderr_logfile=NONE\n", i, s.mark(), b.path, i)
	}
	file := filepath.Join(dir, "supervisord.conf")
	return []string{"supervisord", "-n", "-c", file}, nil, os.WriteFile(file, []byte(conf.String()), 0o600)
}

func monitCommand(s *settings, dir string, b *births, n int) (argv, env []string, err error) {
	var conf strings.Builder
	fmt.Fprintf(&conf, "set daemon 1\nset pidfile %[1]s/pid\nset statefile %[1]s/state\nset idfile %[1]s/id\nset log /dev/null\n", dir)
	for i := range n {
		fmt.Fprintf(&conf, "check process s%[1]d with pidfile %[2]s/s%[1]d.pid start program = \"/usr/bin/env MARK_PIDFILE_DIR=%[2]s %[3]s %[4]s s%[1]d\"\n",
			i, dir, s.mark(), b.path)
	}
	file := filepath.Join(dir, "monitrc")
	return []string{"monit", "-I", "-c", file}, nil, os.WriteFile(file, []byte(conf.String()), 0o600)
}
