package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkPass is one action through the gate, alone: record, locks, holds, epoch.
func BenchmarkPass(b *testing.B) {
	d := newDir(b, Plan{}, "db")
	r := auto(d, VerbStart, "db")
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Do(context.Background(), r, nothing); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkContended is the bar: 8 goroutines pass the gate of one service while locks come and go beside them; no pass may fall into a lock.
func BenchmarkContended(b *testing.B) {
	d := newDir(b, Plan{}, "db")
	var locked, passes, held atomic.Int64
	stop := make(chan struct{})
	var side sync.WaitGroup
	locks := 0
	side.Go(func() {
		pause := time.NewTicker(50 * time.Millisecond)
		defer pause.Stop()
		for {
			select {
			case <-stop:
				return
			case <-pause.C:
			}
			l := lockOf(b, d, ann(), "db")[0]
			locked.Store(1)
			locked.Store(0)
			if _, err := d.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: ann(), Force: true}); err != nil {
				b.Error(err)
				return
			}
			locks++
		}
	})
	b.ResetTimer()
	start := time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for passes.Load() < int64(b.N) {
				r := auto(d, VerbStart, "db")
				err := d.Do(context.Background(), r, func(*Permit) error {
					if locked.Load() == 1 {
						b.Error("an action inside a lock")
					}
					passes.Add(1)
					return nil
				})
				var h *HeldError
				if errors.As(err, &h) {
					held.Add(1)
				}
			}
		})
	}
	wg.Wait()
	sec := time.Since(start).Seconds()
	close(stop)
	side.Wait()
	b.ReportMetric(float64(passes.Load())/sec, "passes/s")
	b.ReportMetric(float64(held.Load())/sec, "held/s")
	b.ReportMetric(float64(locks)/sec, "locks/s")
}

// BenchmarkLock is lock and end with nothing in flight; BenchmarkFsyncFloor is what the disk takes for a file and its directory.
func BenchmarkLock(b *testing.B) {
	d := newDir(b, Plan{}, "db")
	var took time.Duration
	for b.Loop() {
		t0 := time.Now()
		l := lockOf(b, d, ann(), "db")[0]
		took += time.Since(t0)
		if _, err := d.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: ann(), Force: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/lock")
}

func BenchmarkFsyncFloor(b *testing.B) {
	dir := b.TempDir()
	var k disk
	for b.Loop() {
		p := filepath.Join(dir, NewID())
		if err := k.create(p, []byte("x"), true); err != nil {
			b.Fatal(err)
		}
		if err := k.syncDir(dir); err != nil {
			b.Fatal(err)
		}
		os.Remove(p)
	}
}

// BenchmarkFlock is the floor of a pass: the system calls that no design could save.
func BenchmarkFlock(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		fd, _ := openFD(dir+"/gate", unix.O_RDWR|unix.O_CREAT, 0o600)
		unix.Flock(fd, unix.LOCK_EX)
		unix.Flock(fd, unix.LOCK_UN)
		unix.Close(fd)
	}
}

// BenchmarkPassAmong1000 is BenchmarkPass with 999 other services beside it: the gate must not look at them.
func BenchmarkPassAmong1000(b *testing.B) {
	p := Plan{Services: map[string]Identity{}}
	for i := range 1000 {
		p.Services[fmt.Sprintf("s%d", i)] = Identity{Command: fmt.Sprintf("/bin/s%d", i)}
	}
	d := newDir(b, p)
	r := auto(d, VerbStart, "s500")
	for b.Loop() {
		if err := d.Do(context.Background(), r, nothing); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSnapshot1000 is what a status of a thousand services reads.
func BenchmarkSnapshot1000(b *testing.B) {
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	d := newDir(b, Plan{}, names...)
	lockOf(b, d, ann(), "s7")
	for b.Loop() {
		if got := d.Snapshot(names); len(got["s7"].Locks) != 1 {
			b.Fatal("lost a lock")
		}
	}
}

// BenchmarkLockBesideActions is a locker in another process, as far as the kernel can tell, while 8 goroutines pass the gate without
// pause: flock is not fair, and still a lock must get its turn.
func BenchmarkLockBesideActions(b *testing.B) {
	d := newDir(b, Plan{}, "db")
	direct, err := Open(d.path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !stop.Load() {
				_ = d.Do(context.Background(), auto(d, VerbStart, "db"), nothing)
			}
		})
	}
	var worst, sum time.Duration
	for b.Loop() {
		t0 := time.Now()
		l := lockOf(b, direct, ann(), "db")[0]
		took := time.Since(t0)
		worst, sum = max(worst, took), sum+took
		if _, err := direct.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: ann(), Force: true}); err != nil {
			b.Fatal(err)
		}
	}
	stop.Store(true)
	wg.Wait()
	b.ReportMetric(float64(sum.Microseconds())/float64(b.N), "µs/lock")
	b.ReportMetric(float64(worst.Microseconds()), "µs/worst")
}
