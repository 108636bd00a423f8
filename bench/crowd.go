package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	crashing    = 1000 // services that crash at once
	crowdRounds = 6    // mass crashes
)

// crowd measures supctl maintenance start of one service, the whole process, while all others crash at once and come back. The floor,
// a bare process that makes one file durable, takes turns with it in the same crowd.
func crowd(s *settings) ([]row, error) {
	d, err := prepare(s, own, crashing+1)
	if err != nil {
		return nil, err
	}
	living, err := d.settled(crashing + 1)
	if err != nil {
		return nil, err
	}
	target := fmt.Sprintf("s%d", crashing) // never killed: a locked service would not come back
	delete(living, target)
	dir := filepath.Join(d.dir, "floor")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var took, floor []time.Duration
	for range crowdRounds {
		for _, b := range living {
			if err := syscall.Kill(b.pid, syscall.SIGKILL); err != nil {
				return nil, err
			}
		}
		back := make(chan error, 1)
		go func() {
			var err error
			living, err = d.births.take(crashing)
			back <- err
		}()
		for crashed := true; crashed; {
			f, err := timed(func() error {
				return exec.Command(filepath.Join(s.dir, "fsync"), dir, fmt.Sprint("f", len(floor))).Run()
			})
			if err != nil {
				return nil, err
			}
			l, err := timed(func() error { return d.supctl("maintenance", "start", target, "-m", "bench") })
			if err != nil {
				return nil, err
			}
			took, floor = append(took, l), append(floor, f)
			if err := d.supctl("maintenance", "end", target, "--force"); err != nil {
				return nil, err
			}
			select {
			case err := <-back:
				if err != nil {
					return nil, err
				}
				crashed = false
			default:
			}
		}
		time.Sleep(settleFor) // long enough to have lived: the next crash is a first one
	}
	if err := d.stop(); err != nil {
		return nil, err
	}
	a, b := spreadOf(took), spreadOf(floor)
	return []row{{
		fmt.Sprintf("maintenance start while %d services crash (%d in %d crashes)", crashing, len(took), crowdRounds),
		a.String(), b.String(), "p99 +" + ms(a.at(.99)-b.at(.99)), "p99 ≤ floor + 50 ms",
	}}, d.close()
}
