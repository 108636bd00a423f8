package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// killed copies what is on disk of a journal that goes on: what the next supd finds after a kill -9.
func killed(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	for _, suffix := range []string{"", tailSuffix} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "journal.db"+suffix), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "journal.db")
}

func tailTexts(t *testing.T, j *Journal) (all []string) {
	t.Helper()
	events, err := j.Events(context.Background(), Query{Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		all = append(all, e.Text)
	}
	return all
}

// What Secure has said yes to is found after supd was killed, once, in order, and before what happens then.
func TestSecuredEventsOutliveSupd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := fast(t, Options{Path: path, linger: time.Hour})
	appendNumbered(j, 0, 1)
	mustFlush(t, j) // one is in the database
	want := []string{"event 0"}
	for i := 1; i < 9; i++ {
		appendNumbered(j, i, i+1)
		if !j.Secure(time.Minute) {
			t.Fatal("not secured")
		}
		want = append(want, fmt.Sprint("event ", i))
	}
	appendNumbered(j, 9, 10) // nobody asked for this one
	path = killed(t, path)
	r, err := OpenReader(path) // supctl, without the next supd
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Events(context.Background(), Query{})
	if err != nil || len(got) != len(want) {
		t.Errorf("without a daemon: %d events, want %d; %v", len(got), len(want), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for run := range 2 { // the second finds them in the database alone
		next := fast(t, Options{Path: path})
		same(t, fmt.Sprint("events of run ", run), tailTexts(t, next), want)
		text := fmt.Sprint("run ", run)
		next.Append(Event{Type: "test", Severity: Info, Text: text})
		want = append(want, text)
		mustFlush(t, next)
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path + tailSuffix); err != nil || info.Size() > 0 {
			t.Errorf("run %d leaves a tail of what is in the database: %v, %v", run, info, err)
		}
	}
}

// A tail that was torn or is garbage gives what can be read, and harms nothing.
func TestDamagedTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := fast(t, Options{Path: path, linger: time.Hour})
	appendNumbered(j, 0, 3)
	if !j.Secure(time.Minute) {
		t.Fatal("not secured")
	}
	whole, err := os.ReadFile(path + tailSuffix)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		tail []byte
		want int
	}{
		"cut off": {whole[:len(whole)-1], 2}, "one bit": {flipped, 2}, "garbage": {[]byte("garbage garbage garbage"), 0}, "nothing": {nil, 0},
		"a length of 4 GB": {[]byte("\xff\xff\xff\xff12345678"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := killed(t, path)
			if err := os.WriteFile(p+tailSuffix, c.tail, 0o600); err != nil {
				t.Fatal(err)
			}
			next := fast(t, Options{Path: p})
			if got := tailTexts(t, next); len(got) != c.want {
				t.Errorf("%d events, want %d", len(got), c.want)
			}
		})
	}
}

// Those who ask at the same time lose nothing and double nothing.
func TestSecureByMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := fast(t, Options{Path: path})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				appendNumbered(j, 0, 1)
				if !j.Secure(time.Minute) {
					t.Error("not secured")
				}
			}
		})
	}
	all.Wait()
	next := fast(t, Options{Path: killed(t, path)})
	if got := tailTexts(t, next); len(got) != 400 {
		t.Errorf("%d events, want 400", len(got))
	}
}

// A disk that hangs costs the first who waits his limit, and nobody after him anything, until it goes on.
func TestSecureIsNotHeldUpByAHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		j := Open(Options{Path: filepath.Join(t.TempDir(), "journal.db"), fault: func(s step) error {
			if s == stepTail {
				<-hang
			}
			return nil
		}, linger: time.Hour})
		<-j.Ready()
		const limit = 50 * time.Millisecond
		for i, want := range []time.Duration{limit, 0, 0} {
			appendNumbered(j, i, i+1)
			began := time.Now()
			if j.Secure(limit) {
				t.Errorf("%d: it is said to be on a disk that hangs", i)
			}
			if took := time.Since(began); took != want {
				t.Errorf("%d: took %v, want %v", i, took, want)
			}
		}
		close(hang)
		synctest.Wait()
		if !j.Secure(limit) {
			t.Error("the disk goes on, and it is still not waited for")
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A file that refuses is no reason to wait, and the events reach the database all the same.
func TestSecureOnADiskThatRefuses(t *testing.T) {
	j := fast(t, Options{linger: time.Hour, fault: func(s step) error {
		if s == stepTail {
			return unix.ENOSPC
		}
		return nil
	}})
	appendNumbered(j, 0, 1)
	if j.Secure(time.Minute) {
		t.Error("it is said to be on a disk that refuses")
	}
	mustFlush(t, j)
	same(t, "events", tailTexts(t, j), []string{"event 0"})
}
