package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A service writes as fast as it can while its log is rotated a thousand times; somebody follows.
func TestAThousandRotationsLoseNothing(t *testing.T) {
	for way, dir := range places(t, "collapse", "punch") {
		t.Run(way, func(t *testing.T) {
			path := filepath.Join(dir, "web.log")
			must(t, os.WriteFile(path, nil, 0o640))
			_, follow, err := Tail(path, 0)
			must(t, err)
			seen := 0
			count := func(line string) error {
				if !strings.HasPrefix(line, strconv.Itoa(seen)+" ") {
					return fmt.Errorf("the follower wants line %d, and gets %.60q", seen, line)
				}
				seen++
				return nil
			}
			_, stop := play(t, "writer", path, strings.Repeat("x", 60))
			rule := Rule{Size: 1, Keep: 1 << 40} // always behind, so it does not wait for the disk, and rotates at every call
			for rotations := 0; rotations < 1000; {
				res, err := Rotate(path, rule, time.Now())
				must(t, err)
				if res.Risky || res.Lost > 0 {
					t.Fatalf("%+v", res)
				}
				if res.File != "" {
					rotations++
				}
				_, err = follow.More(count)
				must(t, err)
			}
			want := stop()
			all(t, follow, count)
			if strconv.Itoa(seen) != want {
				t.Errorf("the follower saw %d lines of %s", seen, want)
			}
			numbered(t, path, want)
		})
	}
}

// supd is killed in the middle of its work again and again. The next one finishes what it left.
func TestRotationSurvivesKills(t *testing.T) {
	for way, dir := range places(t, "collapse", "punch") {
		t.Run(way, func(t *testing.T) {
			path := filepath.Join(dir, "web.log")
			_, stop := play(t, "writer", path, strings.Repeat("y", 200))
			interrupted := 0
			for round := 0; round < 60; round++ {
				cmd, _ := play(t, "rotator", path)
				grown(t, path, 3)
				kill(t, cmd)
				if _, err := os.Lstat(path + copySuffix); err == nil || marked(t, path) {
					interrupted++
				}
			}
			want := stop()
			_, err := Rotate(path, Rule{Size: 64 << 10, Keep: 1 << 20}, time.Now())
			must(t, err)
			numbered(t, path, want)
			if interrupted == 0 {
				t.Error("no kill fell into a rotation; this test proves nothing")
			}
		})
	}
}

// grown waits until there are n more rotated files.
func grown(t *testing.T, path string, n int) {
	t.Helper()
	before, err := List(path)
	must(t, err)
	for limit := time.Now().Add(time.Minute); ; {
		list, err := List(path)
		must(t, err)
		if len(list) >= len(before)+n {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("nobody rotates")
		}
	}
}

func marked(t *testing.T, path string) bool {
	t.Helper()
	f, err := open(path, os.O_RDONLY)
	must(t, err)
	defer f.Close()
	head, err := f.head()
	must(t, err)
	_, _, found := f.readMark(path, head)
	return found
}

// Each step of a rotation can be the last one; whoever comes next finishes it, and readers see every line once meanwhile.
func TestInterruptedAtEachStep(t *testing.T) {
	for way, dir := range places(t, "collapse", "punch") {
		for step := range 5 {
			t.Run(fmt.Sprintf("%s, step %d", way, step), func(t *testing.T) {
				path := filepath.Join(dir, fmt.Sprintf("web%d.log", step))
				var text strings.Builder
				for n := range 1000 {
					fmt.Fprintf(&text, "%d %s\n", n, strings.Repeat("z", n%50))
				}
				must(t, os.WriteFile(path, []byte(text.String()), 0o640))
				_, follow, err := Tail(path, 0)
				must(t, err)
				follow.at = 0

				f, err := open(path, os.O_RDWR)
				must(t, err)
				defer f.Close()
				to, err := f.cutBefore(0, int64(text.Len()))
				must(t, err)
				out, err := f.newCopy(path + copySuffix)
				must(t, err)
				must(t, copyRange(out, f.File, 0, to))
				out.Close()
				m := mark{name: "", from: 0, to: to, block: f.block}
				final := nextName(path, nil, time.Now(), 0)
				m.name = filepath.Base(final)
				if step > 0 {
					_, err = f.WriteAt(m.text(), 0)
					must(t, err)
				}
				if step > 1 {
					must(t, os.Rename(path+copySuffix, final))
				}
				if step > 2 {
					_, err = f.WriteAt(blank(m.to-m.cut()), m.cut())
					must(t, err)
				}
				if step > 3 {
					must(t, f.finish(path, m, final, true))
				}
				whole := strings.TrimSuffix(text.String(), "\n")
				if got := content(t, path); got != whole {
					t.Errorf("before: %d bytes are seen of %d", len(got), len(whole))
				}
				var seen []string
				collect := func(l string) error { seen = append(seen, l); return nil }
				all(t, follow, collect)
				_, err = Rotate(path, Rule{Size: 1 << 20, Keep: 3}, time.Now())
				must(t, err)
				all(t, follow, collect)
				if got := strings.Join(seen, "\n"); got != whole {
					t.Errorf("the follower saw %d bytes of %d", len(got), len(whole))
				}
				if got := content(t, path); got != whole {
					t.Errorf("after: %d bytes are seen of %d", len(got), len(whole))
				}
				numbered(t, path, "1000")
			})
		}
	}
}

// What the text of a mark looks like is known to everybody: a service that writes one must not have its log thrown away.
func TestAForgedMarkIsText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	m := mark{name: "web.log.20260102T030405.000000Z", from: 0, to: 8200, block: blockLeast}
	text := string(m.text()) + strings.Repeat("line\n", 4000)
	must(t, os.WriteFile(path, []byte(text), 0o640))
	_, err := Rotate(path, Rule{Size: 1 << 20, Keep: 1}, time.Now())
	must(t, err)
	if b, _ := os.ReadFile(path); string(b) != text {
		t.Errorf("%d bytes are left of %d", len(b), len(text))
	}
}

func TestFileSystemsThatTakeNothingOut(t *testing.T) {
	for _, dir := range places(t, "truncate") {
		path := filepath.Join(dir, "web.log")
		must(t, os.WriteFile(path, []byte(strings.Repeat("line\n", 4000)), 0o640))
		_, follow, err := Tail(path, 0)
		must(t, err)
		res, err := Rotate(path, Rule{Size: 4096, Keep: 1}, time.Now())
		must(t, err)
		// 4 KiB are kept of 20,000 bytes.
		if kept := content(t, path); !res.Risky || res.Lost == 0 || len(kept) < 4000 {
			t.Errorf("%+v, %d bytes are there", res, len(kept))
		}
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		defer f.Close()
		fmt.Fprintln(f, "after")
		var seen []string
		all(t, follow, func(l string) error { seen = append(seen, l); return nil })
		if strings.Join(seen, " ") != "after" {
			t.Errorf("%q", seen)
		}
	}
}

// The rotated file belongs to whom the log belongs, and others can read neither.
func TestRotatedFilesKeepOwnerAndMode(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: cannot give files away")
	}
	path := filepath.Join(t.TempDir(), "web.log")
	must(t, os.WriteFile(path, []byte(strings.Repeat("line\n", 4000)), 0o600))
	must(t, os.Chown(path, 4321, 5432))
	must(t, os.Chmod(path, 0o604))
	res, err := Rotate(path, Rule{Size: 4096, Keep: 1 << 10}, time.Now())
	must(t, err)
	var st unix.Stat_t
	must(t, unix.Stat(res.File, &st))
	if st.Uid != 4321 || st.Gid != 5432 || st.Mode&0o777 != 0o604 {
		t.Errorf("%d:%d %o", st.Uid, st.Gid, st.Mode)
	}
}

// As root, a link or a second name could be anybody's file.
func TestOnlyAPlainFileIsRotated(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "shadow")
	must(t, os.WriteFile(other, []byte(strings.Repeat("line\n", 4000)), 0o600))
	must(t, os.Symlink(other, filepath.Join(dir, "link.log")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo.log"), 0o600))
	for _, name := range []string{"link.log", "fifo.log", "."} {
		if _, err := Rotate(filepath.Join(dir, name), Rule{Size: 1, Keep: 1}, time.Now()); err == nil {
			t.Errorf("%s was rotated", name)
		}
	}
	must(t, os.Link(other, filepath.Join(dir, "hard.log")))
	if _, err := Rotate(filepath.Join(dir, "hard.log"), Rule{Size: 1, Keep: 1}, time.Now()); err == nil {
		t.Error("a file with two names was rotated")
	}
}

func TestWhatIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o640)
	must(t, err)
	defer f.Close()
	rule := Rule{Size: 20000, Keep: 3, Age: time.Hour}
	for range 6 {
		_, err := f.WriteString(strings.Repeat("line\n", 5000))
		must(t, err)
		_, err = Rotate(path, rule, now) // the clock stands still: names still differ
		must(t, err)
	}
	list, err := List(path)
	must(t, err)
	if len(list) != 3 {
		t.Errorf("%d files: %+v", len(list), list)
	}
	_, err = Rotate(path, rule, now.Add(2*time.Hour))
	must(t, err)
	if list, _ = List(path); len(list) != 0 {
		t.Errorf("too old: %+v", list)
	}
}

// More than may be kept came at once: the newest is kept, what was thrown away is said in the name, and the disk has no more than allowed.
func TestAFloodIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	line := strings.Repeat("f", 99) + "\n"
	must(t, os.WriteFile(path, []byte(strings.Repeat(line, 100_000)+"last\n"), 0o640))
	rule := Rule{Size: 1 << 20, Keep: 2}
	res, err := Rotate(path, rule, time.Now())
	must(t, err)
	list, err := List(path)
	must(t, err)
	if len(list) != 1 || list[0].Size > 2<<20 || list[0].Lost != res.Lost || res.Lost == 0 || res.Live > 8192 {
		t.Errorf("%+v %+v", list, res)
	}
	b, err := os.ReadFile(res.File)
	must(t, err)
	if !strings.HasPrefix(string(b), line) {
		t.Errorf("begins in the middle of a line: %.40q", b)
	}
	if lines, _, err := Tail(path, 1); err != nil || len(lines) != 1 || lines[0] != "last" {
		t.Errorf("%q %v", lines, err)
	}
}

// all follows to the end of what there is.
func all(t *testing.T, w *Follower, each func(string) error) {
	t.Helper()
	for more, err := true, error(nil); more; {
		more, err = w.More(each)
		must(t, err)
	}
}
