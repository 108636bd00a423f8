package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echoing is a service that writes what the test puts into NAME.in.
func (d *daemon) echoing(name, log string) string {
	d.t.Helper()
	if err := os.WriteFile(d.path(name+".in"), nil, 0o644); err != nil {
		d.t.Fatal(err)
	}
	return fmt.Sprintf("\n[service.%s]\ncommand = [\"tail\", \"-n\", \"+1\", \"-f\", \"$DIR/%[1]s.in\"]\ndir = \"$DIR\"\nready = \"delay:1ms\"\nlog = %q\n", name, log)
}

// put has a service write text.
func (d *daemon) put(name, text string) {
	d.t.Helper()
	f, err := os.OpenFile(d.path(name+".in"), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

type logLine struct {
	Service string
	Time    *time.Time
	PID     int
	Text    string
}

// logs waits until supctl logs shows what has exactly these texts.
func (d *daemon) logs(want []string, args ...string) (lines []logLine) {
	d.t.Helper()
	eventually(d.t, "the output", func() string {
		var reply struct{ Lines []logLine }
		d.decode(&reply, append([]string{"logs"}, args...)...)
		lines = reply.Lines
		var got []string
		for _, l := range lines {
			got = append(got, l.Text)
		}
		if !slices.Equal(got, want) {
			return fmt.Sprintf("%.300q", got)
		}
		return ""
	})
	return lines
}

// following is a `supctl logs -f` that runs.
type following struct {
	d   *daemon
	cmd *exec.Cmd
	out string
}

func (d *daemon) follow(args ...string) *following {
	d.t.Helper()
	out, err := os.CreateTemp(d.dir, "follow")
	if err != nil {
		d.t.Fatal(err)
	}
	defer out.Close()
	f := &following{d: d, out: out.Name()}
	argv := d.argv(append([]string{"logs", "-f"}, args...))
	f.cmd = exec.Command(argv[0], argv[1:]...)
	f.cmd.Env, f.cmd.Stdout, f.cmd.Stderr = d.env(), out, out
	if err := f.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(f.end)
	return f
}

func (f *following) end() { f.cmd.Process.Kill(); f.cmd.Wait() }

func (f *following) text() string { b, _ := os.ReadFile(f.out); return string(b) }

// shows waits until all the texts were shown, in this order.
func (f *following) shows(texts ...string) {
	f.d.t.Helper()
	eventually(f.d.t, "what is followed", func() string {
		rest := f.text()
		for _, text := range texts {
			_, behind, ok := strings.Cut(rest, text)
			if !ok {
				return fmt.Sprintf("no %.40q in\n%.2000s", text, f.text())
			}
			rest = behind
		}
		return ""
	})
}

// readers are the journalctls that supd runs.
func (d *daemon) readers() (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		stat, _ := os.ReadFile(dir + "/stat")
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); strings.Contains(string(stat), "(journalctl)") && len(fields) > 1 && fields[1] == strconv.Itoa(d.cmd.Process.Pid) {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			pids = append(pids, pid)
		}
	}
	return pids
}

// The real journald takes a service's output with its priorities, and supctl reads it back, in one order with a file's.
func TestOutputInTheRealJournal(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "")
	d.config(quick + d.echoing("web", "auto") + d.echoing("db", "file"))
	d.withJournal()
	d.start()
	pid := d.up("web", "db")[0]

	long := strings.Repeat("x", 6000) // journalctl leaves out fields of more than 4096 bytes unless told otherwise
	d.put("web", "<3>it burns\nplain\n<7>a detail\n"+long+"\nno text \xff\n")
	want := []string{"it burns", "plain", "a detail", long, "no text \ufffd"}
	lines := d.logs(want, "web")
	for _, l := range lines {
		if l.PID != pid || l.Time == nil || time.Since(*l.Time).Abs() > time.Minute {
			t.Errorf("%+v of process %d", l, pid)
		}
	}
	d.logs(want[3:], "web", "-n", "2")
	if got := d.priorities("web"); !slices.Equal(got, []string{"3", "6", "7", "6", "6"}) {
		t.Errorf("priorities %v", got)
	}

	// A file's lines stand among the journal's by the time that they begin with.
	first := time.Now().UTC().Format(time.RFC3339Nano) + " first of db"
	d.put("db", first+"\n")
	d.logs([]string{first}, "db")
	d.put("web", "second, of web\n")
	second := d.logs([]string{"second, of web"}, "web", "-n", "1")[0]
	d.put("db", time.Now().UTC().Format(time.RFC3339Nano)+" third of db\n")
	eventually(t, "both in one order", func() string {
		r := d.ctl("logs", "db", "web", "-n", "3")
		rest := r.Out
		for _, part := range []string{"db  | ", "first of db\n", "web ", "second, of web\n", "db  | ", "third of db\n"} {
			_, behind, ok := strings.Cut(rest, part)
			if !ok {
				return strconv.Quote(r.both())
			}
			rest = behind
		}
		return ""
	})
	// journald's time is when it read the line, in microseconds.
	d.logs([]string{"second, of web"}, "web", "--since", second.Time.Format(time.RFC3339Nano))
}

// priorities are what the journal says of a service's lines, without supd.
func (d *daemon) priorities(name string) (list []string) {
	d.t.Helper()
	argv := append(slices.Clone(d.wrap), "journalctl", "-t", name, "-o", "json", "--no-pager")
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var entry struct{ PRIORITY string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			d.t.Fatalf("%v: %s", err, line)
		}
		list = append(list, entry.PRIORITY)
	}
	return list
}

// Following the journal is one journalctl, which ends with who follows; and with supd, however it ends.
func TestFollowingTheJournal(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "")
	d.config(quick + d.echoing("web", "journal") + d.echoing("db", "file"))
	d.withJournal()
	d.start()
	d.up("web", "db")
	d.put("web", "before\n")
	d.logs([]string{"before"}, "web")
	one, both := d.follow("web"), d.follow("web", "db")
	one.shows("before")
	both.shows("web", "before")
	d.put("web", "after\n")
	d.put("db", "of the file\n")
	one.shows("before", "after")
	both.shows("of the file")
	both.shows("before", "after")
	if n := len(d.readers()); n != 2 {
		t.Errorf("%d processes read the journal for two followers", n)
	}
	if strings.Count(one.text(), "after") != 1 {
		t.Errorf("shown twice:\n%s", one.text())
	}
	one.end()
	eventually(t, "its journalctl has ended", func() string {
		if n := len(d.readers()); n != 1 {
			return fmt.Sprint(n, " run")
		}
		return ""
	})
	left := d.readers()[0]
	d.kill9()
	eventually(t, "the last journalctl has ended with supd", func() string {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/exe", left)); err == nil {
			return "it runs"
		}
		return ""
	})
}

// systemd keeps the connections of a journald that is restarted: the service goes on writing, and supd has nothing to do with it.
func TestJournaldIsRestarted(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "")
	d.config(quick + d.echoing("web", "journal"))
	journald := d.withJournal()
	d.start()
	pid := d.up("web")[0]
	d.put("web", "before\n")
	d.logs([]string{"before"}, "web")
	f := d.follow("web")
	journald(syscall.SIGHUP)
	d.put("web", "after\n")
	d.logs([]string{"before", "after"}, "web")
	f.shows("before", "after")
	if now := d.up("web")[0]; now != pid || d.status("web").Restarts != 0 {
		t.Errorf("process %d, was %d: %+v", now, pid, d.status("web"))
	}

	// Without them the service's next line ends it (SIGPIPE), as under systemd. That is a crash like any other, and the next instance
	// writes into the new journal.
	d.ctl("maintenance", "start", "web").wants(t, 0)
	journald(syscall.SIGUSR1)
	d.put("web", "lost\n")
	d.waitState("web", "down")
	d.ctl("maintenance", "end", "web", "--start").wants(t, 0)
	d.up("web")
	d.put("web", "again\n")
	d.logs([]string{"again"}, "web", "-n", "1")
}
