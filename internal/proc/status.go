package proc

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// isChild says whether supd is the parent of the process: only then may waitid ask for
// it.
func isChild(fd int) bool {
	_, _, err := waitid(unix.P_PIDFD, fd, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	return err == nil
}

// reapPidfd takes the status of a child; false while it lives. Exit.Known is false if
// something else took it.
func reapPidfd(fd int) (Exit, bool) {
	pid, exit, err := waitid(unix.P_PIDFD, fd, unix.WEXITED|unix.WNOHANG)
	if err != nil {
		return Exit{}, !pidfdAlive(fd)
	}
	return exit, pid != 0
}

// waitid is waitid(2): pid 0 means that nothing has ended.
func waitid(idType, id, options int) (pid int, e Exit, err error) {
	var info unix.Siginfo
	for {
		err = unix.Waitid(idType, id, &info, options, nil)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return 0, Exit{}, err
	}
	// siginfo_t of SIGCHLD: three ints, aligned to a pointer, then pid, uid, status.
	at := unsafe.Sizeof(uintptr(0)) * 2
	if unsafe.Sizeof(uintptr(0)) == 4 {
		at = 12
	}
	f := (*[3]int32)(unsafe.Add(unsafe.Pointer(&info), at))
	status := int(f[2])
	switch code := info.Code; code {
	case cldExited:
		e = Exit{Known: true, Code: status}
	case cldKilled, cldDumped:
		e = Exit{Known: true, Signal: status, CoreDump: code == cldDumped}
	}
	return int(f[0]), e, nil
}

// si_code of SIGCHLD, <bits/siginfo-consts.h>.
const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)

// strangersExit finds out how a process ended that is not our child. later: ask again
// at the hang-up, when its parent has reaped it.
func strangersExit(fd int, id Identity, reaped bool) (e Exit, later bool) {
	// Kernel 6.15: the pidfd itself remembers. The bit is set only where the kernel
	// knows it and the process has been reaped.
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	err := unix.IoctlPidfdInfo(fd, &info)
	if err == nil && info.Mask&unix.PIDFD_INFO_EXIT != 0 {
		return exitOfWait(unix.WaitStatus(info.Exit_code)), false
	}
	if reaped {
		return Exit{}, false
	}
	s, statErr := ReadStat(id.PID)
	if statErr == nil && s.StartTime == id.StartTime && (s.WaitCode != 0 || mayInspect(id.PID)) {
		return exitOfWait(unix.WaitStatus(s.WaitCode)), false
	}
	// Here the zombie hides its status, or has just been reaped: a kernel that has the
	// ioctl will hang up and tell.
	return Exit{}, kernelAtLeast(6, 15)
}

// kernelAtLeast compares the release that uname tells. Only for behaviour that cannot
// be asked for itself.
func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	var a, b int
	if unix.Uname(&u) != nil {
		return false
	}
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}

// mayInspect says whether the kernel shows us the guarded fields of this process's stat
// (the same ptrace check guards its ns links).
func mayInspect(pid int) bool {
	var buf [64]byte
	_, err := unix.Readlink("/proc/"+strconv.Itoa(pid)+"/ns/user", buf[:])
	return !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM)
}
