package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Execs tells of every program that begins on this machine, through the kernel's process events connector
// (Documentation/driver-api/connector.rst, linux/cn_proc.h). A socket filter in the kernel leaves out forks and exits, so
// nothing wakes up for those. Close it when nobody needs it: each exec of the machine costs a little while it is open.
type Execs struct {
	f *os.File
}

// ErrExecsLost: so many programs began at once that some were not told.
var ErrExecsLost = errors.New("news of programs that began was lost")

// Where things stand in a message: netlink(7)'s header, struct cn_msg, struct proc_event.
const (
	execsHeader = unix.NLMSG_HDRLEN + 20
	execsAck    = unix.NLMSG_HDRLEN + 12
	execsWhat   = execsHeader      // enum proc_cn_event
	execsData   = execsHeader + 16 // the event's own part
	execsTGID   = execsData + 4    // of an exec
)

const (
	cnIdxProc  = 1 // connector id: CN_IDX_PROC, CN_VAL_PROC
	cnValProc  = 1
	procListen = 1 // PROC_CN_MCAST_LISTEN, PROC_CN_MCAST_IGNORE
	procIgnore = 2
	procNone   = 0 // PROC_EVENT_NONE: the answer to listen
	procExec   = 2 // PROC_EVENT_EXEC

	execsBufferBytes = 1 << 20 // some thousand execs; each message is charged with about 768 bytes
	// execsAckWait is for the kernel's answer, which is there at once or never: in a pid or user namespace of its own the
	// request is ignored.
	execsAckWait = 500 * time.Millisecond
)

// ListenExecs begins to listen. It fails without CAP_NET_ADMIN (kernels before 6.6), in containers, and where the kernel was
// built without CONFIG_PROC_EVENTS.
func ListenExecs() (*Execs, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for programs that begin: %w", err)
	}
	e := &Execs{f: os.NewFile(uintptr(fd), "process events")}
	err = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, execsFilter())
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnIdxProc})
	}
	if err == nil && unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, execsBufferBytes) != nil {
		// Without CAP_NET_ADMIN as much as net.core.rmem_max allows.
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, execsBufferBytes)
	}
	if err == nil {
		err = e.acknowledged(fd)
	}
	if err != nil {
		e.f.Close()
		return nil, fmt.Errorf("cannot listen for programs that begin: %w", err)
	}
	return e, nil
}

// acknowledged asks for events and waits for the kernel's answer.
func (e *Execs) acknowledged(fd int) error {
	number := rand.Uint32()
	if err := unix.Sendto(fd, execsRequest(procListen, number), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	// A socket has deadlines only where the netpoller has it, which is the case for what does not block.
	if err := e.f.SetReadDeadline(time.Now().Add(execsAckWait)); err != nil {
		return err
	}
	buf := make([]byte, os.Getpagesize())
	for {
		n, err := e.f.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errors.New("the kernel does not answer; it tells only the first pid namespace")
		case err != nil:
			return err
		}
		if what, ok := word(buf[:n], execsWhat); ok && what == procNone && answers(buf[:n], number) {
			if code, _ := word(buf[:n], execsData); code != 0 {
				return unix.Errno(code)
			}
			return e.f.SetReadDeadline(time.Time{})
		}
	}
}

// Next waits for the next program that begins and gives its process. ErrExecsLost: look at all processes, then go on. Any
// other error is the end.
func (e *Execs) Next() (pid int, err error) {
	var buf [256]byte
	for {
		n, err := e.f.Read(buf[:])
		switch {
		case errors.Is(err, unix.ENOBUFS):
			return 0, ErrExecsLost
		case err != nil:
			return 0, fmt.Errorf("cannot listen for programs that begin any longer: %w", err)
		}
		what, _ := word(buf[:n], execsWhat)
		if pid, ok := word(buf[:n], execsTGID); ok && what == procExec {
			return int(pid), nil
		}
	}
}

// Close ends the listening; a Next that waits returns.
func (e *Execs) Close() error {
	if conn, err := e.f.SyscallConn(); err == nil {
		// Before 6.6 the kernel goes on telling nobody, should this fail.
		_ = conn.Control(func(fd uintptr) {
			_ = unix.Sendto(int(fd), execsRequest(procIgnore, 0), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		})
	}
	return e.f.Close()
}

// answers says whether a message is the answer to the request of that number, which the kernel gives back plus one
// (cn_proc_ack in drivers/connector/cn_proc.c): all who listen are told the answers to everybody.
func answers(b []byte, number uint32) bool {
	got, ok := word(b, execsAck)
	return ok && got == number+1
}

// execsRequest is a message with one operation.
func execsRequest(op, number uint32) []byte {
	const size = execsHeader + 4
	b, ne := make([]byte, size), binary.NativeEndian
	ne.PutUint32(b, size)
	ne.PutUint16(b[4:], unix.NLMSG_DONE)
	ne.PutUint32(b[unix.NLMSG_HDRLEN:], cnIdxProc)
	ne.PutUint32(b[unix.NLMSG_HDRLEN+4:], cnValProc)
	ne.PutUint32(b[execsAck:], number)
	ne.PutUint16(b[unix.NLMSG_HDRLEN+16:], 4) // length of what follows
	ne.PutUint32(b[execsHeader:], op)
	return b
}

// execsFilter lets execs and the kernel's answer through.
func execsFilter() *unix.SockFprog {
	inNetworkOrder := func(v uint32) uint32 { // as BPF loads words
		return binary.BigEndian.Uint32(binary.NativeEndian.AppendUint32(nil, v))
	}
	const all = 1<<32 - 1
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: execsWhat},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: inNetworkOrder(procExec)},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: inNetworkOrder(procNone)},
		{Code: unix.BPF_RET | unix.BPF_K, K: all},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	return &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
}

func word(b []byte, at int) (uint32, bool) {
	if len(b) < at+4 {
		return 0, false
	}
	return binary.NativeEndian.Uint32(b[at:]), true
}
