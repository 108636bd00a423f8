package storm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// job is one command for a person to type.
type job struct {
	Argv []string      `json:"argv"`
	Kill time.Duration `json:"kill"` // SIGKILL it then; 0: never
}

// ending is how a program ended.
type ending struct {
	Began  moment `json:"began"`
	Ended  moment `json:"ended"`
	Code   int    `json:"code"`
	Killed bool   `json:"killed"`
	Hung   bool   `json:"hung"`
	Out    string `json:"out"`
	Err    string `json:"err"`
}

// hungAfter is how long no command may take: every wait in a storm has a shorter bound.
const hungAfter = 60 * time.Second

// run types the command and waits for its end.
func (j job) run() (e ending) {
	cmd := exec.Command(j.Argv[0], j.Argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, 5*time.Second
	e.Began = now()
	if err := cmd.Start(); err != nil {
		e.Code, e.Err, e.Ended = -1, err.Error(), now()
		return e
	}
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	kill, hung := (<-chan time.Time)(nil), time.After(hungAfter)
	if j.Kill > 0 {
		kill = time.After(j.Kill)
	}
	for {
		select {
		case <-kill:
			cmd.Process.Kill()
		case <-hung:
			e.Hung = true
			cmd.Process.Signal(syscall.SIGQUIT) // a Go program says where it hangs
			hung, kill = nil, time.After(2*time.Second)
		case err := <-over:
			e.Ended, e.Out, e.Err = now(), out.String(), errs.String()
			var exit *exec.ExitError
			switch {
			case errors.As(err, &exit) && exit.Exited():
				e.Code = exit.ExitCode()
			case err != nil:
				e.Code, e.Killed = -1, true
			}
			return e
		}
	}
}

// person is the role of a login session: it logs in as the uid given, as pam_loginuid does, and types what it is sent.
func person(args []string) int {
	if args[0] != "" {
		// A login uid is a thread's own; the exec makes this thread the only one.
		runtime.LockOSThread()
		err := os.WriteFile("/proc/thread-self/loginuid", []byte(args[0]), 0)
		if err == nil {
			err = syscall.Exec("/proc/self/exe", []string{os.Args[0], "person", ""}, os.Environ())
		}
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var j job
		if in.Decode(&j) != nil || out.Encode(j.run()) != nil {
			return 0
		}
	}
}

// login is the storm's end of a person's session. One command at a time.
type login struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *json.Encoder
	dec *json.Decoder
}

// logIn begins a session; loginUID 0 is that of whoever runs the test.
func logIn(loginUID int) (*login, error) {
	uid := ""
	if loginUID > 0 {
		uid = strconv.Itoa(loginUID)
	}
	cmd := exec.Command(programs.self, "person", uid)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &login{cmd: cmd, in: in, enc: json.NewEncoder(in), dec: json.NewDecoder(out)}, nil
}

func (l *login) types(j job) (e ending, err error) {
	if err = l.enc.Encode(j); err == nil {
		err = l.dec.Decode(&e)
	}
	return e, err
}

func (l *login) logOut() {
	l.in.Close()
	l.cmd.Wait()
}
