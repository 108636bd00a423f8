package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Sockets gives take a copy of each socket that the process has open, closed by an exec
// like all of supd's; those that it does not keep are closed again. pidfd_getfd(2), Linux
// 5.6, and the right to trace the process.
func (p *Process) Sockets(take func(fd int) (keep bool)) error {
	pidfd, err := openPidfd(p.id, p.table.bootID)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	dir := "/proc/" + strconv.Itoa(p.id.PID) + "/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot see its descriptors: %w", err)
	}
	for _, e := range entries {
		// Only a hint, which may be of another process by now: the copy comes through the pidfd.
		if link, err := os.Readlink(dir + "/" + e.Name()); err != nil || !strings.HasPrefix(link, "socket:") {
			continue
		}
		number, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PidfdGetfd(pidfd, number, 0)
		switch {
		case errors.Is(err, unix.EBADF), errors.Is(err, unix.ESRCH):
			continue // closed meanwhile, or all of it has ended
		case err != nil:
			return fmt.Errorf("pidfd_getfd: %w", err)
		}
		if !take(fd) {
			unix.Close(fd)
		}
	}
	return nil
}
