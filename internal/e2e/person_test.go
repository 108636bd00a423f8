package e2e

import (
	"bufio"
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
	"testing"
)

// personJob is one command for a person to type.
type personJob struct {
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
	UID  int      `json:"uid"` // as after sudo or su; the login stays
}

// result is how a program ended.
type result struct {
	Argv []string `json:"argv"`
	Code int      `json:"code"`
	Out  string   `json:"out"`
	Err  string   `json:"err"`
}

// run is a program's end: exit code, or minus the signal, and its output.
func (j personJob) run() result {
	cmd := exec.Command(j.Argv[0], j.Argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = j.Env, &out, &errs
	if j.UID != os.Geteuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(j.UID), Gid: uint32(j.UID)}}
	}
	r := result{Argv: j.Argv}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		r.Code = exit.ExitCode()
	case errors.As(err, &exit):
		r.Code = -int(exit.Sys().(syscall.WaitStatus).Signal())
	case err != nil:
		r.Code, r.Err = -1, err.Error()
	}
	r.Out, r.Err = out.String(), r.Err+errs.String()
	return r
}

// person is the role of a login session: it logs in as the uid given, as pam_loginuid does, then types what it is sent.
// The login belongs to the thread that wrote it, so only what this thread becomes has it in all its threads.
func person(args []string) int {
	runtime.LockOSThread()
	err := os.WriteFile("/proc/thread-self/loginuid", []byte(args[0]), 0)
	if err == nil {
		err = syscall.Exec("/proc/self/exe", []string{"typist", "typist"}, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "cannot log in:", err)
	return 1
}

// typist runs the commands that come as JSON on its standard input.
func typist([]string) int {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var job personJob
		if in.Decode(&job) != nil {
			return 0
		}
		if out.Encode(job.run()) != nil {
			return 1
		}
	}
}

// somebody is a logged-in person who uses one supd.
type somebody struct {
	d   *daemon
	uid int // of the commands typed
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// login makes a new login session of loginUID, which should be one that no user has: names differ from host to host. Its
// commands run as uid.
func (d *daemon) login(loginUID, uid int) *somebody {
	d.t.Helper()
	return d.loginAt(nil, loginUID, uid)
}

// loginAt is login at a terminal, nil for none.
func (d *daemon) loginAt(tty *os.File, loginUID, uid int) *somebody {
	d.t.Helper()
	needsRoot(d.t)
	cmd := exec.Command(programs.self, "person", strconv.Itoa(loginUID))
	if tty != nil {
		cmd.ExtraFiles = []*os.File{tty}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { in.Close(); cmd.Wait() })
	return &somebody{d: d, uid: uid, cmd: cmd, in: in, out: json.NewDecoder(bufio.NewReader(out))}
}

// ctl types a supctl command.
func (p *somebody) ctl(args ...string) result {
	p.d.t.Helper()
	return p.types(p.d.argv(args))
}

// types runs any command.
func (p *somebody) types(argv []string) result {
	p.d.t.Helper()
	line, err := json.Marshal(personJob{Argv: argv, Env: p.d.env(), UID: p.uid})
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	var r result
	if err == nil {
		err = p.out.Decode(&r)
	}
	if err != nil {
		p.d.t.Fatalf("the session of a person: %v", err)
	}
	return r
}

// wants fails the test when the program ended otherwise or did not say all the words.
func (r result) wants(t testing.TB, code int, words ...string) result {
	t.Helper()
	if r.Code != code {
		t.Fatalf("%s\nexit code %d, want %d\nstdout: %s\nstderr: %s", r.Argv, r.Code, code, r.Out, r.Err)
	}
	for _, w := range words {
		if !bytes.Contains([]byte(r.Out+r.Err), []byte(w)) {
			t.Fatalf("%s\ndoes not say %q\nstdout: %s\nstderr: %s", r.Argv, w, r.Out, r.Err)
		}
	}
	return r
}
