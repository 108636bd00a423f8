package proc

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// locked is a file with a flock that lives as long as any copy of the descriptor.
func locked(t *testing.T) (path string, fd int) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "lock")
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	must(t, err)
	must(t, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB))
	return path, fd
}

func isFree(t *testing.T, path string) bool {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil
}

// A lock that supd lets go by closing it must not live on in the forker's table.
func TestForkerKeepsNoDescriptor(t *testing.T) {
	path, fd := locked(t)
	table := newTable(t)
	if table.forker == nil {
		t.Fatal("there is no forker here")
	}
	must(t, unix.Close(fd))
	if !isFree(t, path) {
		t.Error("a descriptor that was open before the table is open in it still")
	}

	path, fd = locked(t)
	k, err := tryShell(table, "exit 3", func(a *Attr) { a.Files = append(a.Files, uintptr(fd)) })
	must(t, err)
	<-k.Done()
	if isFree(t, path) {
		t.Error("the descriptor that a child was given is closed here, too")
	}
	must(t, unix.Close(fd))
	if !isFree(t, path) {
		t.Error("the descriptor that a child was given is still open after its end")
	}
}

// A child has what it was given, under the right number, whoever forks it; and nothing else.
func TestChildHasWhatItWasGiven(t *testing.T) {
	for _, forker := range []bool{true, false} {
		table := newTable(t)
		if !forker {
			table.forker.close()
			table.forker = nil
		}
		for range 50 { // pidfds, as of many services
			fd, err := unix.PidfdOpen(os.Getpid(), 0)
			must(t, err)
			defer unix.Close(fd)
		}
		path, fd := locked(t)
		must(t, os.WriteFile(path, []byte("given"), 0o600))
		k, err := tryShell(table, `[ "$(cat <&3)" = given ] && exec 3<&- && set -- /proc/self/fd/* && exit $#`, func(a *Attr) { a.Files = append(a.Files, uintptr(fd)) })
		must(t, err)
		<-k.Done()
		// 0, 1, 2; the shell has no other one while it looks for names but that of the directory.
		if e, _ := k.Exit(); e.Code != 4 && e.Code != 3 || e.Signal != 0 {
			t.Errorf("forker=%v: %v, want the code 3 or 4, the number of descriptors", forker, e)
		}
		unix.Close(fd)
	}
}

func TestForkerTellsWhatCannotBeExecuted(t *testing.T) {
	table := newTable(t)
	null, err := os.Open(os.DevNull)
	must(t, err)
	defer null.Close()
	a := Attr{Path: "/nowhere/at/all", Argv: []string{"x"}, Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}}
	if _, err := table.Start(a); err != syscall.ENOENT {
		t.Errorf("a program that is not there: %v, want ENOENT", err)
	}
	must(t, table.Close())
	a.Path = "/bin/true"
	if _, err := table.Start(a); err == nil {
		t.Error("a closed table starts programs")
	}
}
