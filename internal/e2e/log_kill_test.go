package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// counting writes numbered lines, in bursts of a few rotations each, until there is a file called enough: 4 MB in a second, 100 MB at most, of
// which every line is kept. Then it says how many.
const counting = `
[service.count]
command = ["/bin/sh", "-c", """
i=0
while [ ! -e enough ] && [ $i -lt 1000000 ]; do
  seq -f '%.0f a line that must not be lost, and that nobody writes twice: the quick brown fox jumps over it' $((i + 1)) $((i + 2000))
  i=$((i + 2000))
  sleep 0.05
done
echo $i > wrote.new; mv wrote.new wrote
exec sleep 1000
"""]
dir = "$DIR"
log = "file"
log_file = "$DIR/logs/count.log"
log_rotate = { size = "64K", keep = 5000 }
ready = "delay:1ms"
`

// supd is killed again and again while it rotates under a writer: each line is there once, in its order.
func TestKill9InTheMiddleOfRotationsLosesNoByte(t *testing.T) {
	t.Parallel()
	d := started(t, quick+counting)
	d.waitState("count", "up")
	pid := d.status("count").PID
	rotated := func() int { list, _ := filepath.Glob(d.path("logs/count.log.2*")); return len(list) }
	const kills = 8
	for range kills {
		before := rotated()
		eventually(t, "a rotation", func() string {
			if rotated() == before {
				return "none"
			}
			return ""
		})
		d.kill9()
		d.start()
	}
	if err := os.WriteFile(d.path("enough"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	n := 0
	eventually(t, "the writer's end", func() string {
		text, err := os.ReadFile(d.path("wrote"))
		if err == nil {
			_, err = fmt.Sscan(string(text), &n)
		}
		return errText(err)
	})
	// What supd shows is what is there, and it has cleared up.
	if r := d.ctl("logs", "count", "-n", "1"); !strings.HasPrefix(r.Out, fmt.Sprintf("%d a line", n)) {
		t.Errorf("the last line is %.200q", r.both())
	}
	if now := d.status("count").PID; now != pid {
		t.Errorf("process %d, was %d", now, pid)
	}
	const size = 64 << 10 // as log_rotate says
	eventually(t, "the last rotation is over, and nothing is left of an interrupted one", func() string {
		if _, err := os.Stat(d.path("logs/count.log.rotating")); err == nil {
			return "a copy is there"
		}
		st, err := os.Stat(d.path("logs/count.log"))
		if err == nil && st.Sys().(*syscall.Stat_t).Blocks*512 > size {
			return "one is due"
		}
		return errText(err)
	})
	d.stop()
	d.allLines(n)
}

// allLines checks by the files alone that lines 1 to n are there, once and in order.
func (d *daemon) allLines(n int) {
	d.t.Helper()
	files, _ := filepath.Glob(d.path("logs/count.log.2*"))
	slices.Sort(files)
	want := 0
	for _, file := range append(files, d.path("logs/count.log")) {
		text, err := os.ReadFile(file)
		if err != nil {
			d.t.Fatal(err)
		}
		for line := range strings.Lines(strings.TrimLeft(string(text), "\x00")) {
			if strings.Trim(line, " \n") == "" {
				continue // what a rotation left blank
			}
			want++
			if !strings.HasPrefix(line, fmt.Sprintf("%d a line", want)) || !strings.HasSuffix(line, "over it\n") {
				d.t.Fatalf("%s: line %d is %.200q", filepath.Base(file), want, line)
			}
		}
	}
	if want != n {
		d.t.Errorf("%d lines, want %d", want, n)
	}
	d.t.Logf("%d rotated files", len(files))
}
