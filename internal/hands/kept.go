package hands

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The output of a script is kept in a memfd until it has ended: its last words are the
// reason of a failure. No pipe, so that nobody's death breaks it; so nobody stops the
// script from writing more than there is memory, and the helper throws the oldest away.

const (
	// tailBytesMax is how much of a script's output becomes part of a message: its end,
	// where the reason stands.
	tailBytesMax = 4 << 10
	// outputBytesMax is how much of it is passed on to the log: its end, too.
	outputBytesMax = 1 << 20
	// trimEvery is how often the helper looks: what is written meanwhile takes memory.
	trimEvery = 20 * time.Millisecond
)

// newKept makes an empty one. It can be sealed.
func newKept() (*os.File, error) {
	const name = "output of a script"
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// trimming keeps the memory of d.kept small until stop is called.
func (d *down) trimming() (stop func()) {
	if d.kept == nil {
		return func() {}
	}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(trimEvery)
		defer t.Stop()
		for {
			select {
			case <-over:
				return
			case <-t.C:
				trim(d.kept)
			}
		}
	}()
	return func() { close(over); <-done; trim(d.kept) }
}

// trim gives the memory of all but the last outputBytesMax back; the size stays.
func trim(kept *os.File) {
	st, err := kept.Stat()
	if err != nil || st.Size() < 2*outputBytesMax {
		return
	}
	// What cannot be given back costs memory until the script has ended, and nothing else.
	_ = unix.Fallocate(int(kept.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, st.Size()-outputBytesMax)
}

// passOn writes the end of what was kept to log and returns its last lines. After that
// nobody can write to it: what a script leaves running would fill it without end.
func passOn(kept, log *os.File) (tail string, err error) {
	// One that mapped it for writing keeps it open for writing, and its memory with it.
	_, _ = unix.FcntlInt(kept.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	st, err := kept.Stat()
	if err != nil {
		return "", err
	}
	end, left := lastLines(kept, st.Size(), outputBytesMax)
	if left > 0 {
		end = fmt.Sprintf("[%d bytes of output left out]\n", left) + end
	}
	tail, _ = lastLines(kept, st.Size(), tailBytesMax)
	_, err = io.WriteString(log, end)
	return strings.TrimRight(tail, "\n"), err
}

// lastLines reads at most bytes from the end, from a whole line on if there is one, and
// says how much lies before that.
func lastLines(f *os.File, size, bytes int64) (text string, before int64) {
	before = max(size-bytes, 0)
	b := make([]byte, size-before)
	n, _ := f.ReadAt(b, before)
	text = string(b[:n])
	if before > 0 {
		if cut, rest, ok := strings.Cut(text, "\n"); ok {
			text, before = rest, before+int64(len(cut))+1
		}
	}
	return text, before
}
