package who

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A session is as old as its first process, however young the one is that asks.
func TestASessionIsAsOldAsItsFirstProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/sessionid"); err != nil || os.Geteuid() != 0 {
		t.Skip("only root may begin a login session, on a kernel with audit")
	}
	cmd := exec.Command("/bin/sh", "-c", `echo 4001009 > /proc/self/loginuid && read x && sh -c 'echo $$; read x'; :`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); cmd.Wait() }()
	for deadline := time.Now().Add(10 * time.Second); ; { // the inner process is to be younger by some ticks
		if p, err := readProcess("/proc/" + strconv.Itoa(cmd.Process.Pid)); err == nil && p.loginUID == 4001009 && time.Since(before) > 5*clockTick {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no session began")
		}
	}
	if _, err := in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	inner, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	first, asked := SessionSince(cmd.Process.Pid), SessionSince(inner)
	if first.Before(before.Add(-2*clockTick)) || first.After(before.Add(time.Second)) {
		t.Errorf("began %s, it was started at %s", first, before)
	}
	if d := asked.Sub(first).Abs(); d > clockTick {
		t.Errorf("a process of the session says that it began %s, its first one %s", asked, first)
	}
}
