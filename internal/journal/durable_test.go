package journal

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// What Durable has said yes to is in the database although nobody closed the journal: supd was killed a moment later.
func TestDurableEventsAreInTheDatabaseAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := fast(t, Options{Path: path, linger: time.Hour})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			appendNumbered(j, 0, 1)
			if !j.Durable(time.Minute) {
				t.Error("not on disk")
			}
		})
	}
	all.Wait()
	if s := j.State(); s.Waiting != 0 {
		t.Errorf("%d events wait for the disk", s.Waiting)
	}
	if !j.Durable(0) {
		t.Error("with nothing to save there is nothing to wait for")
	}
}

// A disk that hangs costs the first who waits his limit, and nobody after him anything, until it goes on.
func TestDurableIsNotHeldUpByAHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang, hung := make(chan struct{}), make(chan struct{}, 1)
		j := Open(Options{Path: filepath.Join(t.TempDir(), "journal.db"), fault: func(s step) error {
			if s == stepCommit {
				select {
				case hung <- struct{}{}:
				default:
				}
				<-hang
			}
			return nil
		}})
		<-j.Ready()
		const limit = 50 * time.Millisecond
		for i, want := range []time.Duration{limit, 0, 0} {
			appendNumbered(j, i, i+1)
			began := time.Now()
			if j.Durable(limit) {
				t.Errorf("%d: it is said to be on a disk that hangs", i)
			}
			if took := time.Since(began); took != want {
				t.Errorf("%d: took %v, want %v", i, took, want)
			}
			<-hung
			hung <- struct{}{} // it goes on hanging
		}
		close(hang)
		synctest.Wait()
		if !j.Durable(limit) {
			t.Error("the disk goes on, and it is still not waited for")
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A database that cannot be written is not tried again for each who asks.
func TestDurableDoesNotWaitForABrokenDisk(t *testing.T) {
	var tries atomic.Int32
	j := fast(t, Options{fault: func(s step) error {
		if s == stepCommit {
			tries.Add(1)
			return unix.EIO
		}
		return nil
	}})
	appendNumbered(j, 0, 1)
	if j.Durable(time.Minute) {
		t.Error("it is said to be on a disk that refuses")
	}
	for j.State().Reason == "" { // the writer's own word
		mustNotSave(t, j)
	}
	before := tries.Load()
	for range 100 {
		appendNumbered(j, 0, 1)
		mustNotSave(t, j)
	}
	if n := tries.Load() - before; n > 1 { // one is the writer's own, after its pause
		t.Errorf("%d tries for 100 who asked", n)
	}
}

func mustNotSave(t *testing.T, j *Journal) {
	t.Helper()
	if j.Durable(time.Minute) {
		t.Fatal("it is said to be on a disk that refuses")
	}
}
