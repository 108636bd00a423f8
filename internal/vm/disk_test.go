package vm

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// What was flushed or written through survives every cut; what was not is sometimes lost and sometimes kept, never mixed
// within a sector.
func TestACutTakesOnlyWhatWasNotFlushed(t *testing.T) {
	kept, gone := 0, 0
	for seed := range uint64(200) {
		d := NewDisk(make([]byte, 8*sectorBytes))
		put := func(sector int64, b byte, fua bool) {
			if err := d.WriteAt(bytes.Repeat([]byte{b}, sectorBytes), sector*sectorBytes, fua); err != nil {
				t.Fatal(err)
			}
		}
		put(0, 1, false)
		put(1, 1, false)
		d.Flush()
		put(1, 2, false)
		put(1, 3, false)
		put(2, 4, false)
		put(2, 5, true)
		put(3, 6, false)
		d.Cut(rand.New(rand.NewPCG(seed, 0)))
		now := make([]byte, 8*sectorBytes)
		if err := d.ReadAt(now, 0); err != nil {
			t.Fatal(err)
		}
		for sector, allowed := range map[int][]byte{0: {1}, 1: {1, 2, 3}, 2: {5}, 3: {0, 6}} {
			s := now[sector*sectorBytes : (sector+1)*sectorBytes]
			if bytes.IndexByte(allowed, s[0]) < 0 || bytes.Count(s, s[:1]) != sectorBytes {
				t.Fatalf("seed %d: sector %d is %v, want one of %v", seed, sector, s[:4], allowed)
			}
		}
		if now[3*sectorBytes] == 6 {
			kept++
		} else {
			gone++
		}
	}
	if kept < 40 || gone < 40 {
		t.Errorf("what was not flushed was kept %d times and lost %d times of 200: that is no power cut", kept, gone)
	}
}
