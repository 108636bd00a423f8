package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	journald     = "/lib/systemd/systemd-journald"
	keeperNotify = "/run/keeper.notify"
)

// journalConf keeps the journal in the keeper's own /run, small, and away from the kernel's log and its auditing.
const journalConf = "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=\nRuntimeMaxUse=16M\nForwardToSyslog=no\nForwardToWall=no\n"

// journalKeeper is what systemd is to systemd-journald: it starts it, and keeps the connections that it hands over with FDSTORE=1
// (sd_notify(3)) for the next one. SIGHUP restarts journald as systemctl does; SIGUSR1 is a crash in which the connections are lost. It has mounts of
// its own, so the host's journal is not touched. args: a directory for its words.
func journalKeeper(args []string) int {
	runtime.LockOSThread() // Pdeathsig goes by the thread
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1)
	if err := keepJournal(args[0], signals); err != nil {
		os.WriteFile(filepath.Join(args[0], "keeper.failed"), []byte(err.Error()), 0o644)
		return 1
	}
	return 0
}

func keepJournal(dir string, signals <-chan os.Signal) error {
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "size=64m,mode=755"); err != nil {
		return err
	}
	conf := filepath.Join(dir, "journald.conf")
	if err := os.WriteFile(conf, []byte(journalConf), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(conf, "/etc/systemd/journald.conf", "", unix.MS_BIND, ""); err != nil {
		return err
	}
	for _, d := range []string{"/run/systemd/journal", "/run/log"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: keeperNotify, Net: "unixgram"})
	if err != nil {
		return err
	}
	store := &fdStore{conn: notify, kept: map[string]*os.File{}, ready: make(chan struct{}, 1)}
	go store.take()
	for n := 1; ; n++ {
		cmd, err := store.journald()
		if err != nil {
			return err
		}
		<-store.ready
		if err := os.WriteFile(filepath.Join(dir, "journald."+strconv.Itoa(n)), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
			return err
		}
		switch <-signals {
		case syscall.SIGHUP:
			cmd.Process.Signal(syscall.SIGTERM)
			cmd.Wait()
			// Behind all that the dead one said.
			say(keeperNotify, "READY=1")
			<-store.ready
		case syscall.SIGUSR1:
			cmd.Process.Kill()
			cmd.Wait()
			say(keeperNotify, "READY=1")
			<-store.ready
			store.forget()
		}
	}
}

// fdStore keeps each connection once: a later one with the same inode is the same.
type fdStore struct {
	conn  *net.UnixConn
	ready chan struct{}

	mu   sync.Mutex
	kept map[string]*os.File // by inode
}

// journald starts one, with the connections that are kept behind LISTEN_FDS (sd_listen_fds(3)). The shell in between sets LISTEN_PID.
func (s *fdStore) journald() (*exec.Cmd, error) {
	cmd := exec.Command("sh", "-c", "LISTEN_PID=$$ exec "+journald)
	s.mu.Lock()
	defer s.mu.Unlock()
	names := ""
	for _, f := range s.kept {
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		names += ":stored"
	}
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+keeperNotify)
	if n := len(s.kept); n > 0 {
		cmd.Env = append(cmd.Env, "LISTEN_FDS="+strconv.Itoa(n), "LISTEN_FDNAMES="+strings.TrimPrefix(names, ":"))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, cmd.Start()
}

// take reads what journald says.
func (s *fdStore) take() {
	buf, oob := make([]byte, 4096), make([]byte, 4096)
	for {
		n, oobn, _, _, err := s.conn.ReadMsgUnix(buf, oob)
		if err != nil {
			return
		}
		var files []*os.File
		messages, _ := unix.ParseSocketControlMessage(oob[:oobn])
		for _, m := range messages {
			fds, _ := unix.ParseUnixRights(&m)
			for _, fd := range fds {
				unix.CloseOnExec(fd)
				files = append(files, os.NewFile(uintptr(fd), "stored"))
			}
		}
		if bytes.Contains(buf[:n], []byte("FDSTORE=1")) {
			for _, f := range files {
				var st unix.Stat_t
				if unix.Fstat(int(f.Fd()), &st) == nil {
					s.mu.Lock()
					s.kept[strconv.FormatUint(st.Ino, 10)] = f
					s.mu.Unlock()
				}
			}
		}
		if bytes.Contains(buf[:n], []byte("READY=1")) {
			s.ready <- struct{}{}
		}
	}
}

func (s *fdStore) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.kept {
		f.Close()
	}
	s.kept = map[string]*os.File{}
}

// withJournal gives d a journal of its own: supd is started where a real systemd-journald is. signal goes to its keeper and returns
// when the next journald is ready.
func (d *daemon) withJournal() (signal func(syscall.Signal)) {
	d.t.Helper()
	needsRoot(d.t)
	cmd := exec.Command(programs.self, "keeper", d.dir)
	cmd.Env = append(os.Environ(), "E2E_DIR="+d.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	n := 1
	ready := func() {
		d.t.Helper()
		eventually(d.t, "systemd-journald", func() string {
			if text, err := os.ReadFile(d.path("keeper.failed")); err == nil {
				d.t.Fatalf("the journal's keeper failed: %s", text)
			}
			_, err := os.Stat(d.path("journald." + strconv.Itoa(n)))
			return errText(err)
		})
		n++
	}
	ready()
	d.wrap = []string{"nsenter", "--mount=/proc/" + strconv.Itoa(cmd.Process.Pid) + "/ns/mnt"}
	return func(s syscall.Signal) { d.t.Helper(); cmd.Process.Signal(s); ready() }
}

// errText is what an error says, "" without one.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
