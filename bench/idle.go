package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// quietMax bounds the wait for the end of what follows a start: garbage collection, the last events on their way to disk.
const quietMax = 10 * time.Second

// idleMinute is what processes with nothing to do use in a minute, over all their threads: CPU seconds, and wake-ups.
func idleMinute(pids []int, watch time.Duration) (cpu, wakes float64) {
	for end := time.Now().Add(quietMax); time.Now().Before(end); {
		n := sum(pids, switches)
		time.Sleep(2 * time.Second)
		if sum(pids, switches) == n {
			break
		}
	}
	w, c := sum(pids, switches), sum(pids, ticks)
	time.Sleep(watch)
	w, c = sum(pids, switches)-w, sum(pids, ticks)-c
	return float64(c) / 100 / watch.Minutes(), float64(w) / watch.Minutes()
}

func sum(pids []int, of func(int) int64) (n int64) {
	for _, pid := range pids {
		n += of(pid)
	}
	return n
}

// switches are the context switches of all threads of a process: each wake-up from a wait is one (proc(5), task status).
func switches(pid int) int64 {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	var sum int64
	for _, f := range files {
		sum += field(f, "voluntary_ctxt_switches: %d")
	}
	return sum
}

// pss is the proportional memory of a process in bytes (proc(5), smaps_rollup).
func pss(pid int) int64 { return field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss: %d kB") * 1024 }

// field is the number in the first line of a file that fits; 0 if the file is gone.
func field(path, format string) int64 {
	text, _ := os.ReadFile(path)
	for _, line := range strings.Split(string(text), "\n") {
		var n int64
		if got, _ := fmt.Sscanf(line, format, &n); got == 1 {
			return n
		}
	}
	return 0
}

// ticks is the CPU time of a process in hundredths of a second.
func ticks(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return user + system
}
