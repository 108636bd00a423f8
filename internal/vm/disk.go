package vm

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// sectorBytes is what a disk writes whole or not at all.
const sectorBytes = 512

// Disk is a disk with a volatile write cache, in memory. It outlives the machines
// that it is plugged into. Safe for use by several goroutines.
type Disk struct {
	mu     sync.Mutex
	plate  []byte             // what survives a power cut
	cache  map[int64][][]byte // by sector: every version written since the last flush, the oldest first
	lies   bool               // a flush is answered and not done
	serial int                // sectors written so far
	alarms map[int]chan struct{}
}

// NewDisk is a disk with these bytes on it, all of them durable. Their number is a
// multiple of 512.
func NewDisk(content []byte) *Disk {
	return &Disk{plate: content, cache: map[int64][][]byte{}, alarms: map[int]chan struct{}{}}
}

// Lie has the disk say that it flushed when it did not, as some do: what then gets
// lost is what the tests must be able to notice.
func (d *Disk) Lie() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lies = true
}

// Size is in bytes.
func (d *Disk) Size() int64 { return int64(len(d.plate)) }

// After is closed when n more sectors were written: a moment that hits what is at
// work, however fast the machine is.
func (d *Disk) After(n int) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := d.serial + n
	if d.alarms[at] == nil {
		d.alarms[at] = make(chan struct{})
	}
	return d.alarms[at]
}

// check refuses what is not on the disk, or not whole sectors.
func (d *Disk) check(p []byte, off int64) error {
	if off < 0 || off%sectorBytes != 0 || len(p)%sectorBytes != 0 || off+int64(len(p)) > d.Size() {
		return fmt.Errorf("cannot reach %d bytes at %d: not whole sectors of a disk of %d bytes", len(p), off, d.Size())
	}
	return nil
}

// ReadAt reads what was written last, flushed or not.
func (d *Disk) ReadAt(p []byte, off int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(p, off); err != nil {
		return err
	}
	copy(p, d.plate[off:])
	for i := 0; i < len(p); i += sectorBytes {
		if versions := d.cache[off+int64(i)]; len(versions) > 0 {
			copy(p[i:i+sectorBytes], versions[len(versions)-1])
		}
	}
	return nil
}

// WriteAt writes to the cache; with fua (force unit access) to the plate.
func (d *Disk) WriteAt(p []byte, off int64, fua bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(p, off); err != nil {
		return err
	}
	for i := 0; i < len(p); i += sectorBytes {
		at, sector := off+int64(i), p[i:i+sectorBytes]
		d.serial++
		if alarm := d.alarms[d.serial]; alarm != nil {
			close(alarm)
			delete(d.alarms, d.serial)
		}
		if fua && !d.lies {
			copy(d.plate[at:], sector)
			delete(d.cache, at)
			continue
		}
		d.cache[at] = append(d.cache[at], append([]byte(nil), sector...))
	}
	return nil
}

// Flush makes durable what was written before it was called.
func (d *Disk) Flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lies {
		return
	}
	for at, versions := range d.cache {
		copy(d.plate[at:], versions[len(versions)-1])
	}
	clear(d.cache)
}

// Cut is the end of the power: of each sector that was not flushed, the plate
// keeps what it had or one of the versions written since. How much survives
// differs from cut to cut: nothing, everything, or any share. It returns how many
// sectors were in doubt, and how many of them lost their last version.
func (d *Disk) Cut(rng *rand.Rand) (doubtful, lost int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	share := [...]float64{0, 1, rng.Float64()}[rng.IntN(3)]
	for at := int64(0); at < d.Size(); at += sectorBytes { // in order, so that a seed repeats
		versions := d.cache[at]
		if len(versions) == 0 {
			continue
		}
		doubtful++
		last := len(versions) - 1
		if rng.Float64() >= share {
			lost++
			if last = rng.IntN(len(versions)) - 1; last < 0 {
				continue
			}
		}
		copy(d.plate[at:], versions[last])
	}
	clear(d.cache)
	return doubtful, lost
}
