package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/supd/supd/supervisor/core"
	"golang.org/x/sys/unix"
)

// upgradeEnv carries the descriptors from the old program to the new one in the same process: "NAME=FD NAME=FD".
const upgradeEnv = "SUPD_UPGRADE"

// upgradeEnding is in it when somebody has told the old program to end, too late for it.
const upgradeEnding = "ending"

// upgradeSocket begins the name of a service's socket there: listen:SERVICE/NUMBER.
const upgradeSocket = "listen:"

// upgrade is a re-execution in place: same pid, still the parent of its children, so exit statuses stay exact. Processes
// are found again by their notes in RUN; what only the core knows goes along as JSON in a memfd.
type upgrade struct {
	// From the program before, nil in a fresh start.
	core  *core.State
	right *os.File
	unix  *net.UnixListener
	tcp   net.Listener

	sockets map[string][]int // of services
	ending  bool             // somebody has told it to end, too late for it

	files map[string]*os.File // listeners that go along, by the name the next program knows them by
	next  []string            // argv of the program to come; nil: no upgrade is under way
}

// inheritUpgrade takes over from the program that was executed in this process before; nil if there was none.
func inheritUpgrade() *upgrade {
	text := os.Getenv(upgradeEnv)
	if text == "" {
		return nil
	}
	os.Unsetenv(upgradeEnv)
	u := &upgrade{sockets: map[string][]int{}}
	for _, pair := range strings.Fields(text) {
		name, number, _ := strings.Cut(pair, "=")
		if name == upgradeEnding {
			u.ending = true
			continue
		}
		fd, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		unix.CloseOnExec(fd)
		if service, ok := strings.CutPrefix(name, upgradeSocket); ok {
			service, _, _ = strings.Cut(service, "/")
			u.sockets[service] = append(u.sockets[service], fd)
			continue
		}
		f := os.NewFile(uintptr(fd), name)
		switch name {
		case "state":
			var st core.State
			if json.NewDecoder(f).Decode(&st) == nil {
				u.core = &st
			}
			f.Close()
		case "right":
			u.right = f
		case "unix":
			if l, err := net.FileListener(f); err == nil {
				u.unix, _ = l.(*net.UnixListener)
			}
			f.Close()
		case "tcp":
			u.tcp, _ = net.FileListener(f)
			f.Close()
		}
	}
	return u
}

// beginUpgrade checks the new program and ends the loop; run then drains and executes it. A program that cannot even
// say its version is refused: the old one goes on.
func (s *Supervisor) beginUpgrade(ctx context.Context) error {
	for _, f := range s.onlyHere(nil) { // the next program would not know
		if f.Target.Valid() == nil {
			return fmt.Errorf("cannot upgrade: %s is held in this supd's memory alone (%w); supctl maintenance doctor has the command", f.Target, f.Err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot upgrade: %w", err)
	}
	exe = strings.TrimSuffix(exe, " (deleted)") // replaced by rename: the new file has the same name
	if err := s.tryProgram(ctx, exe); err != nil {
		return fmt.Errorf("cannot upgrade: %w; the running supd goes on", err)
	}
	if _, mistakes := s.load(); len(mistakes) > 0 {
		return fmt.Errorf("cannot upgrade: the config has mistakes, the new program would not start: %w", mistakes)
	}
	argv := append([]string{exe}, os.Args[1:]...)
	if !s.ask(ctx, func(*core.State) {
		s.upgr = &upgrade{next: argv}
		s.quit = true
	}) {
		return errors.New("cannot upgrade: supd is ending")
	}
	return nil
}

// keep holds the listeners open beyond the end of this program's servers: clients that connect meanwhile wait in the
// backlog for the next program instead of being refused.
func (u *upgrade) keep(unixListener *net.UnixListener, tcp net.Listener) {
	u.files = map[string]*os.File{}
	unixListener.SetUnlinkOnClose(false)
	if f, err := unixListener.File(); err == nil {
		u.files["unix"] = f
	}
	if l, ok := tcp.(*net.TCPListener); ok {
		if f, err := l.File(); err == nil {
			u.files["tcp"] = f
		}
	}
}

// exec replaces this program; ctx has ended if it was told to end meanwhile. It returns only an error: then supd ends, and its services live on to be adopted.
func (u *upgrade) exec(ctx context.Context, s *Supervisor) error {
	state, err := stateFile(s.core)
	if err != nil {
		return err
	}
	files := u.files
	files["state"], files["right"] = state, s.right.File()
	var pairs []string
	for name, f := range files {
		fd := int(f.Fd())
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return fmt.Errorf("cannot upgrade: %w", err)
		}
		pairs = append(pairs, fmt.Sprintf("%s=%d", name, fd))
	}
	for service, fds := range s.hands.KeepSockets() {
		for i, fd := range fds {
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
				return fmt.Errorf("cannot upgrade: %w", err)
			}
			pairs = append(pairs, fmt.Sprintf("%s%s/%d=%d", upgradeSocket, service, i, fd))
		}
	}
	s.log.Info("upgrade: executing the new program", "path", u.next[0])
	s.opts.LastLog()
	if ctx.Err() != nil { // last of all: a signal that comes between this and the exec is lost
		pairs = append(pairs, upgradeEnding)
	}
	env := append(os.Environ(), upgradeEnv+"="+strings.Join(pairs, " "))
	// Caught signals are the kernel's default again in a new program, which is to die, until that catches them; ignored ones stay so
	// (execve(2)). What a reload or another upgrade would do, the new program does when it begins.
	signal.Ignore(unix.SIGHUP, unix.SIGUSR2)
	return fmt.Errorf("cannot execute %q: %w", u.next[0], unix.Exec(u.next[0], u.next, env))
}

// stateFile is the core's state in memory, to be read by the next program.
func stateFile(st *core.State) (*os.File, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("cannot upgrade: cannot save the state: %w", err)
	}
	fd, err := unix.MemfdCreate("supd-state", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot upgrade: memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "supd-state")
	if _, err := f.Write(text); err != nil {
		return nil, fmt.Errorf("cannot upgrade: cannot save the state: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("cannot upgrade: cannot save the state: %w", err)
	}
	return f, nil
}

// lastRequest is the highest request id that the program before gave out.
func (u *upgrade) lastRequest() uint64 {
	var last uint64
	for id := range u.core.Requests {
		last = max(last, id)
	}
	return last
}

// unfinished is what the program before could not tell the core: its requests' clients are gone, and what it had under way
// has ended (run drains before it executes).
type unfinished struct {
	events    []core.Event
	observing []string // services to be observed afresh
}

// unfinished reads the core, so the loop must not run yet.
func (s *Supervisor) unfinished() (u unfinished) {
	if s.upgr == nil || s.upgr.core == nil {
		return u
	}
	for id := range s.upgr.core.Requests {
		u.events = append(u.events, core.CancelRequest{ID: id})
	}
	for name, v := range s.upgr.core.Services {
		if v.Act != nil {
			u.events = append(u.events, core.Result{Act: v.Act.Act.ID, Service: name, Outcome: core.ActStale})
		}
		if v.Observing {
			u.observing = append(u.observing, name)
		}
	}
	return u
}

// resume tells it to the core. The loop has to run: it takes the events.
func (s *Supervisor) resume(u unfinished) {
	for _, ev := range u.events {
		s.send(ev)
	}
	for _, name := range u.observing {
		s.lanes.run(func(ln *lane) { s.send(s.observe(name, ln)) })
	}
}
