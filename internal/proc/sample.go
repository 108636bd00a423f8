package proc

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Sampler reads one process's figures again and again: one kept-open descriptor, one
// buffer, no allocation. Not safe for concurrent use.
type Sampler struct {
	fd   int
	id   Identity
	stat Stat
	buf  [statBytesMax]byte
}

// NewSampler opens /proc/PID/stat of the process with this identity. ErrGone,
// ErrNotSame.
func NewSampler(id Identity) (*Sampler, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(id.PID)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, statError(id.PID, err)
	}
	s := &Sampler{fd: fd, id: id}
	now, err := s.Sample()
	if err == nil && now.StartTime != id.StartTime {
		err = ErrNotSame
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Sample reads the figures now; Comm is empty. ErrGone after the process was reaped,
// also if its pid lives again: the descriptor belongs to the process, not to the
// number.
func (s *Sampler) Sample() (Stat, error) {
	n, err := readRetry(s.fd, s.buf[:])
	if err != nil {
		return Stat{}, statError(s.id.PID, err)
	}
	if err := s.stat.parse(s.buf[:n], false); err != nil {
		return Stat{}, err
	}
	return s.stat, nil
}

// Close gives the descriptor back.
func (s *Sampler) Close() error {
	if err := unix.Close(s.fd); err != nil {
		return fmt.Errorf("cannot close the sampler of %s: %w", s.id, err)
	}
	return nil
}
