package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"
)

// step names a place where a test can let the disk fail.
type step string

const (
	stepOpen   step = "open"
	stepCommit step = "commit"
	stepTail   step = "tail"
)

// Limits of the database file.
const (
	fileMode   = 0o600
	lockWait   = 500 * time.Millisecond // for a supctl that reads it
	growBytes  = 1 << 20
	fillEvents = 0.95 // events only come at the end: leave no room in pages
	pruneMax   = 5000 // events pruned in one batch at most, beside as many as it adds
)

// Names of the buckets.
const (
	bucketEvents   = "events"   // number (8) -> event
	bucketCounters = "counters" // service NUL name -> crc, value (8)
	bucketChecks   = "checks"   // service NUL check -> results
)

// store is an open database. Every method returns *DamagedError instead of
// letting bbolt's panics (and the faults of a file that shrinks under its
// mapping) out. After that the store must be abandoned.
type store struct {
	path  string
	db    *bbolt.DB
	file  *os.File
	count int          // events in it; the writer's
	torn  atomic.Int64 // records that could not be read since it was opened
}

// openStore opens and verifies the database. Errors: *BusyError, *DamagedError,
// or what the file system says.
func openStore(path string, readOnly bool) (s *store, err error) {
	s = &store{path: path}
	err = s.guarded(func() (err error) {
		s.db, err = bbolt.Open(path, fileMode, &bbolt.Options{
			ReadOnly: readOnly, Timeout: lockWait, FreelistType: bbolt.FreelistMapType, NoStatistics: true,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				return s.openFile(name, flag, mode, readOnly)
			},
		})
		if err != nil || readOnly {
			return err
		}
		s.db.AllocSize = growBytes
		return s.db.Update(func(tx *bbolt.Tx) error {
			for _, name := range []string{bucketEvents, bucketCounters, bucketChecks} {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			s.count = tx.Bucket([]byte(bucketEvents)).Stats().KeyN
			return nil
		})
	})
	if err == nil {
		return s, nil
	}
	s.abandon()
	return nil, err
}

// openFile opens, locks and verifies the file before bbolt looks at it. bbolt
// locks the same open file again, which changes nothing.
func (s *store) openFile(name string, flag int, mode os.FileMode, readOnly bool) (*os.File, error) {
	_, absent := os.Lstat(name)
	f, err := os.OpenFile(name, flag|unix.O_NOFOLLOW, mode)
	if err != nil {
		return nil, err
	}
	s.file = f
	how := unix.LOCK_EX
	if readOnly {
		how = unix.LOCK_SH
	}
	if err := flockWithin(f, how, lockWait); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &BusyError{name}
		}
		return nil, fmt.Errorf("cannot lock %q: %w", name, err)
	}
	if err = verify(f); err == nil && absent == nil {
		err = emptied(f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// flockWithin tries until the time is over: flock has no deadline of its own,
// and a blocked one cannot be called off.
func flockWithin(f *os.File, how int, wait time.Duration) error {
	const pause = 20 * time.Millisecond
	err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	again := time.NewTicker(pause)
	defer again.Stop()
	for range int(wait / pause) {
		<-again.C
		if err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
	}
	return err
}

// guarded runs f and turns what bbolt says of a file that is not ours, or a
// panic, a fault in mapped memory included, into *DamagedError.
func (s *store) guarded(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &DamagedError{s.path, fmt.Sprint(cause)}
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	err = f()
	for _, is := range []error{bbolterrors.ErrInvalid, bbolterrors.ErrChecksum, bbolterrors.ErrVersionMismatch, bbolterrors.ErrIncompatibleValue} {
		if errors.Is(err, is) {
			return &DamagedError{s.path, err.Error()}
		}
	}
	return err
}

// close ends an undamaged store; it waits for readers.
func (s *store) close() error {
	return s.guarded(s.db.Close)
}

// abandon lets go of the file without bbolt's help, which might wait for ever
// for a lock that a panic left taken. The mapping stays for readers that are
// still in it.
func (s *store) abandon() {
	if s.file != nil { // explicitly: a mapping keeps the lock of a closed file
		_ = unix.Flock(int(s.file.Fd()), unix.LOCK_UN)
		_ = s.file.Close()
	}
}

// last is the number of the newest event, 0 if there is none.
func (s *store) last() (seq uint64, err error) {
	err = s.guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			if k, _ := tx.Bucket([]byte(bucketEvents)).Cursor().Last(); len(k) == 8 {
				seq = binary.BigEndian.Uint64(k)
			}
			return nil
		})
	})
	return seq, err
}

// events are the newest limit events before number before (0 = all) that q
// selects, oldest first. What cannot be read is left out.
func (s *store) events(ctx context.Context, q Query, before uint64, limit int) (list []Event, err error) {
	err = s.guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte(bucketEvents))
			if b == nil {
				return nil
			}
			c := b.Cursor()
			k, v := c.Last()
			if before > 0 {
				if k, v = c.Seek(seqKey(before)); k == nil {
					k, v = c.Last()
				}
			}
			for n := 1; k != nil && len(list) < limit; k, v = c.Prev() {
				if n++; n%1024 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				if len(k) != 8 || before > 0 && binary.BigEndian.Uint64(k) >= before {
					continue
				}
				e, selected, err := decodeEvent(binary.BigEndian.Uint64(k), v, &q)
				if err != nil {
					s.torn.Add(1)
				} else if selected {
					list = append(list, e)
				}
			}
			return nil
		})
	})
	slices.Reverse(list)
	return list, err
}

// history is what is saved of a check.
func (s *store) history(k key) (list []CheckResult, err error) {
	err = s.guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte(bucketChecks))
			if b == nil {
				return nil
			}
			if v := b.Get(k.bytes()); v != nil {
				list, _, err = decodeHistory(v)
			}
			return err
		})
	})
	return list, err
}

// counters are all saved counters; one that is damaged counts from 0 again.
func (s *store) counters() (m map[key]uint64, err error) {
	m = map[key]uint64{}
	err = s.guarded(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(bucketCounters)).ForEach(func(k, v []byte) error {
				service, name, ok := strings.Cut(string(k), "\x00")
				if v, err := opened(v); ok && err == nil && len(v) == 8 {
					m[key{service, name}] = binary.BigEndian.Uint64(v)
				} else {
					s.torn.Add(1)
				}
				return nil
			})
		})
	})
	return m, err
}

func (k key) bytes() []byte { return []byte(k.service + "\x00" + k.name) }

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }
