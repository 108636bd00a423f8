package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// database makes one with n events, a counter and a history, and returns its content.
func database(t testing.TB, n int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j := Open(Options{Path: path, linger: time.Millisecond, Queue: n + 10})
	appendNumbered(j, 0, n)
	j.Count("db", "restarts", 7)
	j.CheckDone("db", "ping", CheckResult{Time: time.Now(), State: "ok"})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pagesOf gives where the last page that is in use lies, and the root of the tree: bbolt takes pages from a hash map, so
// they are elsewhere each time, and damage to a free page is none.
func pagesOf(t testing.TB, whole []byte) (last, root int) {
	t.Helper()
	v := &verifier{f: bytes.NewReader(whole), size: int64(len(whole))}
	if fault := v.run(); fault != nil {
		t.Fatalf("a whole database: %+v", fault)
	}
	m, _ := v.meta()
	for page := range v.seen {
		last = max(last, int(page)*int(v.pageSize))
	}
	return last, int(m.root) * int(v.pageSize)
}

// memoryDir is a directory where fsync costs nothing, if there is one.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "journal-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedDatabaseIsMovedAsideAndSaid(t *testing.T) {
	whole := database(t, 300)
	last, root := pagesOf(t, whole)
	for _, c := range []struct {
		name string
		file []byte
	}{
		{"empty", nil},
		{"text", []byte("this is no database\n")},
		{"one byte", []byte{0}},
		{"zeros", make([]byte, 64<<10)},
		{"garbage", garbage(64 << 10)},
		{"cut in the header", whole[:2000]},
		{"cut after the headers", whole[:8192]},
		{"cut in the tree", whole[:last+100]},
		{"a page of zeros in the tree", slices.Concat(whole[:root], make([]byte, 4096), whole[root+4096:])},
		{"both headers gone", slices.Concat(make([]byte, 8192), whole[8192:])},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			write(t, path, c.file)
			if _, err := OpenReader(path); !isDamaged(err) {
				t.Errorf("OpenReader: %v", err)
			}
			var told []Event
			j := fast(t, Options{Path: path, Tell: func(e Event) { told = append(told, e) }})
			j.Append(Event{Text: "goes on"})
			mustFlush(t, j)
			list := mustEvents(t, j, Query{})
			if len(told) != 1 || told[0].Type != TypeDamaged {
				t.Errorf("told: %v", told)
			}
			if len(list) != 2 || list[0].Type != TypeDamaged || list[1].Text != "goes on" {
				t.Fatalf("the record is %v", list)
			}
			aside, err := os.ReadFile(list[0].Fields["moved_to"])
			if err != nil || !bytes.Equal(aside, c.file) {
				t.Errorf("the damaged file was not kept as it was: %v", err)
			}
			if s := j.State(); !s.Saving {
				t.Errorf("state: %+v", s)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
			r, err := OpenReader(path)
			if err != nil {
				t.Fatalf("the new database: %v", err)
			}
			_ = r.Close()
		})
	}
}

func isDamaged(err error) bool {
	var d *DamagedError
	return errors.As(err, &d)
}

func garbage(n int) []byte {
	b, r := make([]byte, n), rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// A page that names itself as its child makes bbolt call itself until the stack
// is full, which ends the process whatever it recovers.
func TestVerifyFindsAPageThatPointsToItself(t *testing.T) {
	b := database(t, 2000)
	const pageSize = 4096
	for at := 2 * pageSize; at < len(b); at += pageSize {
		if binary.LittleEndian.Uint16(b[at+8:]) != flagBranch {
			continue
		}
		binary.LittleEndian.PutUint64(b[at+pageHeader+8:], binary.LittleEndian.Uint64(b[at:]))
		path := filepath.Join(t.TempDir(), "journal.db")
		write(t, path, b)
		_, err := OpenReader(path)
		if !isDamaged(err) || !strings.Contains(err.Error(), "used twice") {
			t.Errorf("OpenReader: %v", err)
		}
		return
	}
	t.Fatal("no branch page in the database: make it larger")
}

// Whatever byte is changed: the journal works, and what it tells is either true
// or absent.
func TestOneByteChanged(t *testing.T) {
	whole := database(t, 40)
	dir := memoryDir(t)
	path := filepath.Join(dir, "journal.db")
	want := numbered(40)
	r := rand.New(rand.NewPCG(3, 4))
	aside := 0
	for at := 0; at < len(whole); at++ {
		if at%4096 > 100 && r.IntN(10) > 0 { // headers in full, the rest by sample
			continue
		}
		b := bytes.Clone(whole)
		b[at] ^= byte(1 << r.IntN(8))
		write(t, path, b)
		j := Open(Options{Path: path, linger: time.Hour})
		<-j.Ready()
		j.Append(Event{Text: "goes on"})
		if err := j.Flush(t.Context()); err != nil {
			t.Fatalf("byte %d changed: %v", at, err)
		}
		list, err := j.Events(t.Context(), Query{Limit: -1})
		if err != nil {
			t.Fatalf("byte %d changed: %v", at, err)
		}
		if got := texts(list); list[0].Type == TypeDamaged {
			aside++
			_ = os.Remove(list[0].Fields["moved_to"]) // one second has names for 100
		} else if !subset(got, append(want, "goes on")) {
			t.Fatalf("byte %d changed: %q", at, got)
		}
		if n := j.Counter("db", "restarts"); n != 7 && n != 0 {
			t.Fatalf("byte %d changed: counter %d", at, n)
		}
		if err := j.Close(); err != nil {
			t.Fatalf("byte %d changed: %v", at, err)
		}
	}
	if aside == 0 {
		t.Error("no change was noticed as damage")
	}
}

// subset tells whether got is want with some left out.
func subset(got, want []string) bool {
	for _, w := range want {
		if len(got) > 0 && got[0] == w {
			got = got[1:]
		}
	}
	return len(got) == 0
}

func TestDamagedAgainAndAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	var names []string
	for range 3 { // within a second: the names must differ
		write(t, path, []byte("garbage"))
		j := fast(t, Options{Path: path})
		list := mustEvents(t, j, Query{})
		names = append(names, list[0].Fields["moved_to"])
		_ = j.Close()
	}
	for _, n := range names {
		if b, err := os.ReadFile(n); err != nil || string(b) != "garbage" {
			t.Errorf("%s: %q, %v", n, b, err)
		}
	}
}

func TestReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if _, err := OpenReader(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
	j := fast(t, Options{Path: path})
	appendNumbered(j, 0, 20)
	j.CheckDone("db", "ping", CheckResult{Time: time.Unix(5, 0), State: "failing", Detail: "no answer"})
	mustFlush(t, j)
	var busy *BusyError
	if _, err := OpenReader(path); !errors.As(err, &busy) {
		t.Errorf("while a daemon has it: %v", err)
	}
	_ = j.Close()
	before, _ := os.ReadFile(path)
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.Events(t.Context(), Query{Service: "s1", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "events", texts(list), []string{"event 16", "event 19"})
	history, err := r.CheckHistory("db", "ping", 1)
	if err != nil || len(history) != 1 || history[0].Detail != "no answer" {
		t.Errorf("history: %v, %v", history, err)
	}
	second, err := OpenReader(path)
	if err != nil {
		t.Errorf("two readers at once: %v", err)
	} else {
		_ = second.Close()
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("reading changed the file")
	}
}

func TestDatabaseLockedByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := fast(t, Options{Path: path})
	appendNumbered(j, 0, 3)
	j.Count("db", "restarts", 5)
	_ = j.Close()
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := unix.Flock(int(other.Fd()), unix.LOCK_SH); err != nil { // as a supctl does that reads
		t.Fatal(err)
	}
	j = fast(t, Options{Path: path})
	appendNumbered(j, 3, 5)
	j.Count("db", "restarts", 1)
	if s := j.State(); s.Saving || !strings.Contains(s.Reason, "another process") || s.Waiting == 0 {
		t.Errorf("state: %+v", s)
	}
	list := mustEvents(t, j, Query{})
	if len(list) != 3 || list[0].Type != TypeDegraded {
		t.Errorf("in memory: %v", list)
	}
	if err := unix.Flock(int(other.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	mustFlush(t, j)
	mustFlush(t, j) // the event that says so
	list = mustEvents(t, j, Query{})
	var kinds []string
	for _, e := range list {
		kinds = append(kinds, e.Type)
	}
	same(t, "record", kinds, []string{"test", "test", "test", TypeDegraded, "test", "test", TypeRecovered})
	if !slices.IsSortedFunc(list, func(a, b Event) int { return int(int64(a.Seq - b.Seq)) }) {
		t.Errorf("numbers are out of order: %v", list)
	}
	same(t, "counter", j.Counter("db", "restarts"), uint64(6))
	matches, _ := filepath.Glob(path + ".damaged*")
	if len(matches) != 0 {
		t.Errorf("a database that was only locked was moved aside: %v", matches)
	}
}
