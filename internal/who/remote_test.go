package who

import (
	"bufio"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// As under sudo: the environment of the one who asks has lost it, that of the one above has it.
func TestTheAddressThatSSHClaims(t *testing.T) {
	for _, c := range []struct{ env, want string }{
		{"SSH_CONNECTION=192.0.2.7 50022 192.0.2.1 22", "192.0.2.7"},
		{"SSH_CONNECTION=2001:db8::7 50022 2001:db8::1 22", "2001:db8::7"},
		{"SSH_CONNECTION=fe80::7%\x1b[31mroot 50022 fe80::1 22", "fe80::7"},
		{"SSH_CONNECTION=the boss's desk", ""},
		{"SSH_CONNECTION=", ""},
	} {
		cmd := exec.Command("/bin/sh", "-c", "env -i /bin/sh -c 'echo $$; read end; :'; :")
		cmd.Env = []string{"PATH=/usr/bin:/bin", c.env}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil || pid == cmd.Process.Pid {
			t.Fatalf("process %q below %d: %v", line, cmd.Process.Pid, err)
		}
		if got := ClaimedRemote(pid); got != c.want {
			t.Errorf("%s: claimed %q, want %q", c.env, got, c.want)
		}
		in.Close()
		cmd.Wait()
	}
	if from, found := sshClient([]byte("MY_SSH_CONNECTION=192.0.2.7 1 2 3\x00HOME=/")); found {
		t.Errorf("another variable: %q", from)
	}
}
