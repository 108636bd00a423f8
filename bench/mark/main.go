// Mark is the service that the benchmark runs: it says when it began, and then does nothing.
//
//	mark SOCKET NAME
//
// It sends "NAME PID NANOSECONDS" (CLOCK_MONOTONIC, read first of all) as one datagram.
package main

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails only for an unknown clock
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		text := os.Args[2] + " " + strconv.Itoa(os.Getpid()) + " " + strconv.FormatInt(ts.Nano(), 10)
		err = syscall.Sendto(fd, []byte(text), 0, &syscall.SockaddrUnix{Name: os.Args[1]})
		syscall.Close(fd)
	}
	if err != nil {
		os.Stderr.WriteString("mark: " + err.Error() + "\n")
		os.Exit(1)
	}
	syscall.Pause()
}
