package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// crashes measures from the SIGKILL of a service to the main of its successor, one service after the other, each killed
// once (the second crash of a service has a back-off, and should). The floor is a bare loop in this process.
func crashes(s *settings) ([]row, error) {
	floor, err := floorCrashes(s)
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	began := monotonic()
	d, err := startDaemon(s, s.services)
	if err != nil {
		return nil, err
	}
	living, err := d.births.take(s.services)
	if err != nil {
		return nil, err
	}
	cold := lastOf(living, began)
	if err := d.supctl("wait", "--all", "--for", "up"); err != nil {
		return nil, err
	}
	memory := pss(d.cmd.Process.Pid)
	var took []time.Duration
	for _, b := range living {
		t, err := killOne(b, d.births)
		if err != nil {
			return nil, err
		}
		took = append(took, t)
	}
	one := spreadOf(took)
	if err := d.stop(); err != nil {
		return nil, err
	}
	mass, err := massCrash(s)
	if err != nil {
		return nil, err
	}
	n := fmt.Sprintf(", N = %d", s.services)
	return []row{
		{"crash to running" + n, one.String(), floor.one.String(), ratio(one.at(.5), floor.one.at(.5)), "p50 ≤ 1.5 × floor"},
		{"mass crash, last one back" + n, ms(mass), ms(floor.mass), ratio(mass, floor.mass), ""},
		{"cold start, last one running" + n, ms(cold), ms(floor.cold), ratio(cold, floor.cold), ""},
		{"memory of supd (PSS)" + n, fmt.Sprintf("%.1f MB", float64(memory)/1e6), "", "", ""},
	}, nil
}

// killOne kills a service and waits for its successor.
func killOne(b birth, all *births) (time.Duration, error) {
	at := monotonic()
	if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
		return 0, err
	}
	next, err := all.next()
	if err != nil {
		return 0, err
	}
	if next.name != b.name {
		return 0, fmt.Errorf("killed %s, and %s came up", b.name, next.name)
	}
	return time.Duration(next.at - at), nil
}

func lastOf(bs map[string]birth, from int64) time.Duration {
	last := from
	for _, b := range bs {
		last = max(last, b.at)
	}
	return time.Duration(last - from)
}

// massCrash kills all services of a fresh supd at once.
func massCrash(s *settings) (time.Duration, error) {
	d, err := startDaemon(s, s.services)
	if err != nil {
		return 0, err
	}
	living, err := d.births.take(s.services)
	if err != nil {
		return 0, err
	}
	if err := d.supctl("wait", "--all", "--for", "up"); err != nil {
		return 0, err
	}
	at := monotonic()
	for _, b := range living {
		if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
			return 0, err
		}
	}
	back, err := d.births.take(s.services)
	if err != nil {
		return 0, err
	}
	return lastOf(back, at), d.stop()
}

// floorFigures are what a bare loop reaches: wait4, fork, exec, nothing else.
type floorFigures struct {
	one        spread
	mass, cold time.Duration
}

func floorCrashes(s *settings) (floorFigures, error) {
	var f floorFigures
	all, err := listenBirths(s.dir)
	if err != nil {
		return f, err
	}
	defer func() { all.close(); os.Remove(all.path) }()
	end := make(chan struct{})
	began := monotonic()
	for i := range s.services {
		go respawn(s, all.path, fmt.Sprintf("s%d", i), end)
	}
	living, err := all.take(s.services)
	if err != nil {
		return f, err
	}
	f.cold = lastOf(living, began)
	var took []time.Duration
	for _, b := range living {
		t, err := killOne(b, all)
		if err != nil {
			return f, err
		}
		took = append(took, t)
	}
	f.one = spreadOf(took)
	// A round of its own for the mass crash: each successor's pid is asked for by killing it once more.
	if living, err = relive(all, s.services, end, s); err != nil {
		return f, err
	}
	at := monotonic()
	for _, b := range living {
		if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
			return f, err
		}
	}
	back, err := all.take(s.services)
	if err != nil {
		return f, err
	}
	f.mass = lastOf(back, at)
	close(end)
	for _, b := range back {
		if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
			return f, err
		}
	}
	return f, nil
}

// relive begins a second set of loops and gives its processes.
func relive(all *births, n int, end chan struct{}, s *settings) (map[string]birth, error) {
	for i := range n {
		go respawn(s, all.path, fmt.Sprintf("m%d", i), end)
	}
	return all.take(n)
}

// respawn is the bare loop for one service.
func respawn(s *settings, socket, name string, end chan struct{}) {
	argv := []string{filepath.Join(s.dir, "mark"), socket, name}
	for {
		pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: floor:", err)
			return
		}
		var w syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(pid, &w, 0, nil); err != syscall.EINTR {
				break
			}
		}
		select {
		case <-end:
			return
		default:
		}
	}
}

// pss is the proportional memory of a process in bytes (proc(5), smaps_rollup).
func pss(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kb int64
		if n, _ := fmt.Sscanf(line, "Pss: %d kB", &kb); n == 1 {
			return kb * 1024
		}
	}
	return 0
}
