package proc

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// notifyBytesMax bounds one datagram; what is longer is dropped, as systemd does.
const notifyBytesMax = 4096

// Notification is one datagram of sd_notify(3). What is unknown in it means nothing.
type Notification struct {
	PID int // sender, from the kernel; 0: the kernel named none
	UID uint32

	Bad string // why nothing of it can be used ("" = nothing is wrong); the rest is not set then

	Ready       bool
	Stopping    bool
	Reloading   bool
	Monotonic   time.Duration // MONOTONIC_USEC: when it was sent, by CLOCK_MONOTONIC; 0: not said
	HasStatus   bool
	Status      string
	MainPID     int           // 0: not said
	Alive       bool          // WATCHDOG=1
	OutOfOrder  bool          // WATCHDOG=trigger
	HasWatchdog bool          // WATCHDOG_USEC was sent
	Watchdog    time.Duration // its value; 0 turns it off
	Extend      time.Duration // EXTEND_TIMEOUT_USEC; 0: not said
	Errno       int
	Stores      bool // FDSTORE=1
}

func parseNotification(b []byte, pid int, uid uint32) Notification {
	n := Notification{PID: pid, UID: uid}
	for line := range strings.SplitSeq(string(b), "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		switch key {
		case "READY":
			n.Ready = value == "1"
		case "STOPPING":
			n.Stopping = value == "1"
		case "RELOADING":
			n.Reloading = value == "1"
		case "MONOTONIC_USEC":
			n.Monotonic, _ = microseconds(value)
		case "STATUS":
			n.HasStatus, n.Status = true, value
		case "MAINPID":
			n.MainPID, _ = strconv.Atoi(value)
		case "WATCHDOG":
			n.Alive, n.OutOfOrder = value == "1", value == "trigger"
		case "WATCHDOG_USEC":
			n.Watchdog, n.HasWatchdog = microseconds(value)
		case "EXTEND_TIMEOUT_USEC":
			n.Extend, _ = microseconds(value)
		case "ERRNO":
			n.Errno, _ = strconv.Atoi(value)
		case "FDSTORE":
			n.Stores = value == "1"
		}
	}
	return n
}

// microseconds reads a decimal number of them; what no time.Duration can hold is as
// wrong as what is no number.
func microseconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > math.MaxInt64/uint64(time.Microsecond) {
		return 0, false
	}
	return time.Duration(n) * time.Microsecond, true
}
