package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// lockedServices is how many services that supd has.
const lockedServices = 100

// locking measures supctl maintenance start, the whole process from fork to exit, with nothing in flight; through the daemon
// and without one. The floor is a bare process that makes one file durable. They take turns, so that both see the same disk.
func locking(s *settings) ([]row, error) {
	d, err := prepare(s, own, lockedServices)
	if err != nil {
		return nil, err
	}
	if _, err := d.settled(lockedServices); err != nil {
		return nil, err
	}
	if err := d.supctl("wait", "--all", "--for", "up"); err != nil {
		return nil, err
	}
	mediated, floor1, err := lockTimes(s, d)
	if err != nil {
		return nil, err
	}
	if err := d.stop(); err != nil {
		return nil, err
	}
	direct, floor2, err := lockTimes(s, d)
	if err != nil {
		return nil, err
	}
	if err := d.close(); err != nil {
		return nil, err
	}
	line := func(how string, a, b spread) row {
		return row{
			"maintenance start, " + how, a.String(), b.String(), "p99 +" + ms(a.at(.99)-b.at(.99)), "p99 ≤ floor + 5 ms",
		}
	}
	return []row{line("through supd", mediated, floor1), line("without supd", direct, floor2)}, nil
}

// lockTimes takes locks on one service after the other, and ends them untimed.
func lockTimes(s *settings, d *running) (locks, floor spread, err error) {
	dir := filepath.Join(d.dir, "floor")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	var ls, fs []time.Duration
	for i := range s.locks {
		service := fmt.Sprintf("s%d", i%lockedServices)
		f, err := timed(func() error {
			return exec.Command(filepath.Join(s.dir, "fsync"), dir, fmt.Sprint("f", i)).Run()
		})
		if err != nil {
			return nil, nil, err
		}
		l, err := timed(func() error {
			return d.supctl("--config", filepath.Join(d.dir, "supd.toml"), "--state-dir", filepath.Join(d.dir, "state"), "maintenance", "start", service, "-m", "bench")
		})
		if err != nil {
			return nil, nil, err
		}
		if err := d.supctl("--config", filepath.Join(d.dir, "supd.toml"), "--state-dir", filepath.Join(d.dir, "state"), "maintenance", "end", service, "--force"); err != nil {
			return nil, nil, err
		}
		ls, fs = append(ls, l), append(fs, f)
	}
	return spreadOf(ls), spreadOf(fs), nil
}

func timed(f func() error) (time.Duration, error) {
	began := time.Now()
	err := f()
	return time.Since(began), err
}
