// Package systemd talks to the service manager that runs supd: sd_notify(3) and the watchdog. Everything here does
// nothing where there is no systemd.
package systemd

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Ready says that supd has looked at every service; status is what systemctl status shows.
func Ready(status string) { notify(daemon.SdNotifyReady + "\nSTATUS=" + status) }

// Stopping says that supd is ending.
func Stopping() { notify(daemon.SdNotifyStopping) }

// Reloading begins a reload that Ready ends. Type=notify-reload wants the CLOCK_MONOTONIC time with it (systemd 253).
func Reloading() {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails only for an unknown clock
	notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, ts.Nano()/1000))
}

// notify sends state. An error means that systemd is not there to be told, which is no concern of supd's.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// Watchdog tells systemd twice per WatchdogSec= that alive() is true, until ctx ends. Without a watchdog it returns at
// once, so that an idle supd has no timer.
func Watchdog(ctx context.Context, alive func() bool) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if alive() {
				notify(daemon.SdNotifyWatchdog)
			}
		}
	}
}

// Booted says whether systemd is this host's service manager (sd_booted(3)).
func Booted() bool {
	st, err := os.Lstat("/run/systemd/system")
	return err == nil && st.IsDir()
}
