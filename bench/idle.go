package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// idle counts how often a supd with nothing to do wakes up, over all its threads, and what it uses.
func idle(s *settings) ([]row, error) {
	d, err := startDaemon(s, s.services)
	if err != nil {
		return nil, err
	}
	if _, err := d.births.take(s.services); err != nil {
		return nil, err
	}
	if err := d.supctl("wait", "--all", "--for", "up"); err != nil {
		return nil, err
	}
	pid := d.cmd.Process.Pid
	quiet(pid)
	wakes, cpu := switches(pid), ticks(pid)
	time.Sleep(s.idle)
	wakes, cpu = switches(pid)-wakes, ticks(pid)-cpu
	minutes := s.idle.Minutes()
	return []row{{
		fmt.Sprintf("idle, %d services, no checks, %v", s.services, s.idle),
		fmt.Sprintf("%d wake-ups, %.3f s CPU per minute", wakes, float64(cpu)/100/minutes), "", "", "no periodic wake-up",
	}}, d.stop()
}

// quietMax bounds the wait for the end of what follows a start: garbage collection, the last events on their way to disk.
const quietMax = 20 * time.Second

// quiet waits until a process has not woken up for two seconds.
func quiet(pid int) {
	for end := time.Now().Add(quietMax); time.Now().Before(end); {
		n := switches(pid)
		time.Sleep(2 * time.Second)
		if switches(pid) == n {
			return
		}
	}
}

// switches are the context switches of all threads of a process: each wake-up from a wait is one (proc(5), task status).
func switches(pid int) int64 {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	var sum int64
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		for _, line := range strings.Split(string(text), "\n") {
			var n int64
			if got, _ := fmt.Sscanf(line, "voluntary_ctxt_switches: %d", &n); got == 1 {
				sum += n
			}
		}
	}
	return sum
}

// ticks is the CPU time of a process in hundredths of a second.
func ticks(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int64
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return user + system
}
