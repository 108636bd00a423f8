package e2e

import (
	"strings"
	"testing"
	"time"
)

// Several services and a group are followed in one stream, each line behind its service's name, once; also without supd.
func TestFollowingSeveralServices(t *testing.T) {
	t.Parallel()
	d := newDaemon(t, "")
	config := quick + "[group.back]\nservices = [\"db\", \"queue\"]\n"
	for _, name := range []string{"web", "db", "queue", "other"} {
		config += d.echoing(name, "file")
	}
	d.config(config)
	d.start()
	for _, name := range []string{"web", "db", "queue", "other"} {
		d.waitState(name, "up")
		d.put(name, "old of "+name+"\n")
		d.logs([]string{"old of " + name}, name)
	}
	f := d.follow("web", "db", "@back", "-n", "1")
	for _, name := range []string{"web", "db", "queue"} {
		f.shows("old of " + name + "\n")
	}
	d.put("other", "not asked for\n")
	d.put("queue", "new of queue\n")
	f.shows("queue | new of queue\n")
	d.put("web", "unfinished")
	d.put("db", "new of db\n")
	f.shows("db    | new of db\n")
	d.put("web", ", now it is\n")
	f.shows("web   | unfinished, now it is\n")
	if out := f.text(); strings.Contains(out, "not asked for") || strings.Count(out, "new of db") != 1 || strings.Count(out, "old of db") != 1 {
		t.Errorf("%s", out)
	}
	// The daemon's death ends it; what was shown is not shown again.
	d.kill9()
	end := make(chan error, 1)
	go func() { end <- f.cmd.Wait() }()
	select {
	case <-end:
	case <-time.After(patience):
		t.Fatal("supctl does not end with supd")
	}
	if out := f.text(); f.cmd.ProcessState.ExitCode() != 9 || strings.Count(out, "new of db") != 1 {
		t.Errorf("exit code %d:\n%s", f.cmd.ProcessState.ExitCode(), out)
	}
	// The services live, and are followed by the files.
	again := d.follow("@back", "web", "-n", "1")
	again.shows("cannot reach supd", "queue.log")
	d.put("queue", "newer of queue\n")
	again.shows("queue | newer of queue\n")
}
