package proc

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hangingExec makes a program whose exec hangs, as in a dead file server, until go is called (fanotify(7), FAN_OPEN_EXEC_PERM).
// seen is closed when somebody executes it.
func hangingExec(t *testing.T) (path string, seen <-chan struct{}, on func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "program")
	content, err := os.ReadFile("/bin/true")
	must(t, err)
	must(t, os.WriteFile(path, content, 0o755))
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY|unix.O_CLOEXEC)
	must(t, err)
	must(t, unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_EXEC_PERM, unix.AT_FDCWD, path))
	asked := make(chan struct{})
	answer := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		f := os.NewFile(uintptr(fd), "fanotify")
		defer f.Close() // which lets go of everybody who waits
		b := make([]byte, unsafe.Sizeof(unix.FanotifyEventMetadata{}))
		if _, err := io.ReadFull(f, b); err != nil {
			t.Error(err)
			return
		}
		at := binary.NativeEndian.Uint32(b[unsafe.Offsetof(unix.FanotifyEventMetadata{}.Fd):])
		defer unix.Close(int(at))
		close(asked)
		<-answer
		out := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, at), unix.FAN_ALLOW)
		if _, err := f.Write(out); err != nil {
			t.Error(err)
		}
	}()
	return path, asked, func() { close(answer); <-over }
}

// An exec that hangs keeps no other start, and the gate stays shut until it is over, also when supd has let go of it.
func TestAnExecThatHangs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: fanotify")
	}
	table := newTable(t)
	path, seen, on := hangingExec(t)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(t, err)
	defer null.Close()
	files := []uintptr{null.Fd(), null.Fd(), null.Fd()}
	gate, fd := locked(t)
	started := make(chan error, 1)
	go func() {
		p, err := table.Start(Attr{Path: path, Argv: []string{path}, Files: files, Held: []uintptr{uintptr(fd)}})
		if err == nil {
			<-p.Done()
		}
		started <- err
	}()
	<-seen
	must(t, unix.Close(fd)) // as at the death of supd
	for range 3 {
		p, err := table.Start(Attr{Path: "/bin/true", Argv: []string{"true"}, Files: files})
		must(t, err)
		<-p.Done()
	}
	if isFree(t, gate) {
		t.Error("the gate is open, and what passed it has not been executed yet")
	}
	on()
	must(t, <-started)
	if !isFree(t, gate) {
		t.Error("the gate is shut, and the program runs")
	}
}
