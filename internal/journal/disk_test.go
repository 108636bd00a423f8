package journal

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFullDiskIsWaitedOut(t *testing.T) {
	var full atomic.Bool
	j := fast(t, Options{Queue: 50, fault: func(s step) error {
		if s == stepCommit && full.Load() {
			return &fs.PathError{Op: "write", Path: "journal.db", Err: unix.ENOSPC}
		}
		return nil
	}})
	appendNumbered(j, 0, 10)
	mustFlush(t, j)
	full.Store(true)
	appendNumbered(j, 10, 20)
	j.Count("db", "restarts", 1)
	if err := j.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Fatalf("Flush on a full disk: %v", err)
	}
	if s := j.State(); s.Saving || s.Waiting != 11 { // and the event that says so
		t.Errorf("state: %+v", s)
	}
	appendNumbered(j, 20, 100) // more than the queue holds
	lost := j.State().Lost
	if lost != 41 {
		t.Errorf("%d lost, want 41: 91 waited for 50 places", lost)
	}
	full.Store(false)
	mustFlush(t, j)
	mustFlush(t, j)
	list := mustEvents(t, j, Query{Limit: -1})
	marker := fmt.Sprintf("%d events before this one were lost: they came faster than they could be saved", lost)
	want := append(append(numbered(10), marker), numbered(100)[50:]...)
	want = append(want, fmt.Sprintf("the journal saves again; %d events were lost since supd started", lost))
	same(t, "record", texts(list), want)
	same(t, "counter", j.Counter("db", "restarts"), uint64(1))
}

func TestDiskErrorReopensTheDatabase(t *testing.T) {
	var broken atomic.Bool
	var opens atomic.Int32
	j := fast(t, Options{fault: func(s step) error {
		if s == stepOpen {
			opens.Add(1)
		}
		if broken.Load() {
			return unix.EIO
		}
		return nil
	}})
	j.Count("db", "restarts", 4)
	appendNumbered(j, 0, 5)
	mustFlush(t, j)
	broken.Store(true)
	appendNumbered(j, 5, 10)
	if err := j.Flush(t.Context()); err == nil {
		t.Fatal("Flush on a broken disk succeeded")
	}
	broken.Store(false)
	mustFlush(t, j)
	if opens.Load() < 2 {
		t.Error("the database was not opened again")
	}
	var got []string
	for _, e := range mustEvents(t, j, Query{Type: "test"}) {
		got = append(got, e.Text)
	}
	same(t, "events", got, numbered(10))
	same(t, "counter", j.Counter("db", "restarts"), uint64(4)) // not counted twice
}

func TestMissingDirectoryIsWaitedFor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	j := fast(t, Options{Path: filepath.Join(dir, "journal.db")})
	j.Append(Event{Text: "kept"})
	if s := j.State(); s.Saving || !strings.Contains(s.Reason, "no such file") {
		t.Errorf("state: %+v", s)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, j)
	if !j.State().Saving {
		t.Errorf("state: %+v", j.State())
	}
}

func TestJournalThatIsADirectoryOrALink(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"link":      func(path string) error { return os.Symlink("/etc/passwd", path) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			j := fast(t, Options{Path: path})
			j.Append(Event{Text: "in memory"})
			if err := j.Flush(t.Context()); err == nil {
				t.Error("Flush succeeded")
			}
			if list := mustEvents(t, j, Query{}); len(list) != 2 {
				t.Errorf("in memory: %v", list)
			}
			if err := j.Close(); err == nil {
				t.Error("Close does not say that events were not saved")
			}
		})
	}
}

// smallDisk is a file system of its own with room for size bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: mounts a small tmpfs")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("cannot mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestReallyFullDisk(t *testing.T) {
	dir := smallDisk(t, "256k")
	j := fast(t, Options{Path: filepath.Join(dir, "journal.db"), Queue: 2000})
	filler := filepath.Join(dir, "filler")
	write(t, filler, nil)
	f, err := os.OpenFile(filler, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	appendNumbered(j, 0, 1500)
	if err := j.Flush(t.Context()); err == nil {
		t.Fatal("Flush on a full disk succeeded")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, j)
	_ = j.Close()
	r, err := OpenReader(filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	list, err := r.Events(t.Context(), Query{Type: "test", Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "events on disk", texts(list), numbered(1500))
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "journal.db")
	j := fast(t, Options{Path: path})
	appendNumbered(j, 0, 3)
	_ = j.Close()
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Errorf("reading from it: %v", err)
	} else {
		_ = r.Close()
	}
	j = fast(t, Options{Path: path})
	appendNumbered(j, 3, 5)
	if s := j.State(); s.Saving || !strings.Contains(s.Reason, "read-only") {
		t.Errorf("state: %+v", s)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, j)
	same(t, "record", texts(mustEvents(t, j, Query{Type: "test"})), numbered(5))
}

func FuzzDecodeEvent(f *testing.F) {
	e := Event{Time: time.Unix(1, 2), Type: "t", Service: "s", Severity: Info, Text: "x", Fields: map[string]string{"a": "b"}}
	f.Add(encodeEvent(&e))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = decodeEvent(1, b, &Query{})
		if len(b) >= crcBytes { // as if written by a later version
			_, _, _ = decodeEvent(1, sealed(b), &Query{Service: "s"})
		}
	})
}

func FuzzVerify(f *testing.F) {
	whole := database(f, 30)
	f.Add(uint32(0), []byte{1})
	f.Add(uint32(8192), []byte("garbage"))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		b := append([]byte(nil), whole...)
		copy(b[int(at)%len(b):], patch)
		path := filepath.Join(memoryDir(t), "journal.db")
		write(t, path, b)
		r, err := OpenReader(path)
		if err != nil {
			return
		}
		_, _ = r.Events(t.Context(), Query{Limit: -1})
		_ = r.Close()
	})
}
