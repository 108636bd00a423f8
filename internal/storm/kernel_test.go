package storm

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// kernel listens to the process connector (cn_proc.h): the kernel's own word, to the nanosecond, on when processes begin and
// end. Without it (no root, no such kernel) the judge has to do with the 10 ms of /proc.
type kernel struct {
	fd     int
	offset moment // CLOCK_BOOTTIME minus CLOCK_MONOTONIC, in which events are stamped

	mu    sync.Mutex
	forks map[int][]moment // by pid, the last few
	exits map[int][]moment
}

// Numbers of linux/cn_proc.h and linux/connector.h.
const (
	cnIdxProc       = 1
	procListen      = 1
	procEventFork   = 1
	procEventExit   = 0x80000000
	eventsBufferMax = 16 << 20 // of the socket: a build beside the storm forks hundreds of times a second
	timesPerPID     = 4
)

// hearKernel subscribes; an error says why there is nothing to hear.
func hearKernel() (*kernel, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("no process connector: %w", err)
	}
	k := &kernel{fd: fd, forks: map[int][]moment{}, exits: map[int][]moment{}}
	var mono unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono)
	k.offset = now() - moment(mono.Nano())
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, eventsBufferMax)
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnIdxProc})
	if err == nil {
		err = unix.Sendto(fd, subscription(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("no process connector: %w", err)
	}
	go k.listen()
	return k, nil
}

// subscription is nlmsghdr, cn_msg and PROC_CN_MCAST_LISTEN.
func subscription() []byte {
	e := binary.NativeEndian
	b := e.AppendUint32(nil, 16+20+4)
	b = e.AppendUint16(b, unix.NLMSG_DONE)
	b = e.AppendUint16(b, 0)
	b = e.AppendUint32(b, 0)
	b = e.AppendUint32(b, uint32(os.Getpid()))
	for _, v := range []uint32{cnIdxProc, 1, 0, 0} {
		b = e.AppendUint32(b, v)
	}
	b = e.AppendUint16(b, 4)
	b = e.AppendUint16(b, 0)
	return e.AppendUint32(b, procListen)
}

func (k *kernel) listen() {
	buf := make([]byte, 4096)
	for {
		n, _, err := unix.Recvfrom(k.fd, buf, 0)
		switch err {
		case nil:
			k.heard(buf[:n])
		case unix.EINTR, unix.ENOBUFS: // an overflow loses events: those processes have the times of /proc
		default:
			return
		}
	}
}

// heard takes one proc_event: what, cpu, timestamp, then the event's own fields.
func (k *kernel) heard(b []byte) {
	const header = 16 + 20
	if len(b) < header+16+16 {
		return
	}
	e := binary.NativeEndian
	b = b[header:]
	at := moment(e.Uint64(b[8:])) + k.offset
	field := func(i int) int { return int(e.Uint32(b[16+4*i:])) }
	k.mu.Lock()
	defer k.mu.Unlock()
	switch e.Uint32(b) {
	case procEventFork: // parent pid, parent tgid, child pid, child tgid
		if field(2) == field(3) {
			k.forks[field(2)] = lastFew(k.forks[field(2)], at)
		}
	case procEventExit: // pid, tgid, ...
		if field(0) == field(1) {
			k.exits[field(0)] = lastFew(k.exits[field(0)], at)
		}
	}
}

func lastFew(all []moment, at moment) []moment {
	all = append(all, at)
	return all[max(0, len(all)-timesPerPID):]
}

// sharpen puts exact times into what is known of a process.
func (k *kernel) sharpen(n *note) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, at := range k.forks[n.PID] {
		if at >= n.Fork && at < n.Fork.after(tick) {
			n.Forked = at
		}
	}
}

func (k *kernel) sharpenLife(l *life) {
	if k == nil || l.died == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, at := range k.exits[l.PID] {
		if at > l.seen && at < l.died {
			l.seen, l.died = at, at
		}
	}
}

func (k *kernel) close() {
	if k != nil {
		unix.Shutdown(k.fd, unix.SHUT_RDWR)
		unix.Close(k.fd)
	}
}
