package proc

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// signalMax is the last signal of Linux.
	signalMax = 64
	// sigsetBytes is the size of the kernel's signal set.
	sigsetBytes = 8
	// sigIgn is SIG_IGN.
	sigIgn = 1
)

// defaultSignals takes back what whoever started supd made it ignore (a shell's
// background job: INT; nohup: HUP), since an exec hands that on to every service.
// Signals that Go handles are at their default in children anyway.
func defaultSignals() {
	for sig := uintptr(1); sig <= signalMax; sig++ {
		// The kernel's struct differs between machines, but begins with the handler,
		// and all zero is SIG_DFL on each.
		var old, dfl [8]uintptr
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&old)), sigsetBytes, 0, 0)
		if errno == 0 && old[0] == sigIgn {
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&dfl)), 0, sigsetBytes, 0, 0)
		}
	}
}

// unblocked runs fork with no signal blocked on this thread, whatever supd was started
// with: a child begins with the mask of the thread that forks it. The caller has locked
// the goroutine to its thread.
func unblocked(fork func() error) error {
	var none, old unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &old); err != nil {
		return err
	}
	err := fork()
	// What was in force a moment ago cannot be refused.
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	return err
}
