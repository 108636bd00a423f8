package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A SIGHUP that comes in the moment in which the new program begins must not end it: that program reads the config anyway.
func TestReloadSignalsDoNotEndAnUpgrade(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	pid := d.up("db")[0]
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		every := time.NewTicker(2 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-stop:
				return
			case <-every.C:
				_ = d.cmd.Process.Signal(syscall.SIGHUP) // it lives, or the next command finds out
			}
		}
	}()
	for range 5 {
		d.ctl("upgrade").wants(t, 0)
	}
	close(stop)
	<-stopped
	if now := d.up("db")[0]; now != pid {
		t.Errorf("db was process %d, is %d", pid, now)
	}
	// The new program catches the signal, and what it starts does not ignore it.
	d.config(quick + service("db", "") + service("web", ""))
	d.signal(syscall.SIGHUP)
	web := d.up("web")[0]
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", web))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if mask, is := strings.CutPrefix(line, "SigIgn:"); is {
			bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			if err != nil || bits&(1<<(syscall.SIGHUP-1)|1<<(syscall.SIGUSR2-1)) != 0 {
				t.Errorf("web ignores signals %s, %v", mask, err)
			}
		}
	}
}
