package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scheduled is a job whose time was two minutes ago and comes again tomorrow, and what supd is to remember of it: that it has
// seen to everything up to an hour ago. So it is late enough to need no waiting in a test, and not too late to be run.
func (d *daemon) scheduled(name, more string, ago time.Duration) string {
	d.t.Helper()
	at := time.Now().Add(-ago)
	line := fmt.Sprintf("cron: %d %d * * *", at.Minute(), at.Hour())
	text, err := json.Marshal(map[string]any{"line": line, "considered": at.Add(-time.Hour)})
	if err == nil {
		err = os.MkdirAll(d.state("jobs"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(d.state("jobs/"+name+".json"), text, 0o644)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return fmt.Sprintf("\n[service.%s]\ncommand = [\"/bin/sh\", \"-c\", \"echo x >> $DIR/%s.ran; sleep 0.1; test ! -e $DIR/%s.fails\"]\noneshot = true\nschedule = %q\n%s\n", name, name, name, line, more)
}

// ran is how often the job was run.
func (d *daemon) ran(name string) int {
	text, _ := os.ReadFile(d.path(name + ".ran"))
	return len(text) / 2
}

// made gives a daemon its state directory, as a first start does.
func made(t *testing.T) *daemon {
	t.Helper()
	d := started(t, quick+service("other", ""))
	d.stop()
	return d
}

// A run that supd comes a little late for is made, once; also if supd dies and comes again.
func TestJobThatSupdIsLateFor(t *testing.T) {
	t.Parallel()
	d := made(t)
	d.config(quick + d.scheduled("report", "", 2*time.Minute))
	d.start()
	s := d.waitState("report", "done")
	if s.Job.LastResult != "done" || s.Job.LastSuccess == nil || s.Job.NextRun == nil || s.Job.LastDurationS < 0.1 {
		t.Errorf("what is known of its runs: %+v", s.Job)
	}
	eventually(t, "the run's end is on disk", func() string { // nobody waits for that but whoever kills supd
		text, err := os.ReadFile(d.state("jobs/report.json"))
		if err != nil || !strings.Contains(string(text), `"done"`) {
			return fmt.Sprint(string(text), err)
		}
		return ""
	})
	d.kill9()
	d.start()
	d.ctl("explain", "report").wants(t, 0, "next run", "done")
	if n := d.ran("report"); n != 1 {
		t.Errorf("it ran %d times", n)
	}
	if s := d.status("report"); s.Job.LastSuccess == nil {
		t.Error("its last success is forgotten")
	}
}

// One that is long past is said, and not made up for.
func TestJobThatIsMissed(t *testing.T) {
	t.Parallel()
	d := made(t)
	d.config(quick + d.scheduled("report", "", 20*time.Minute))
	d.start()
	eventually(t, "job.missed", func() string {
		if len(d.events("report", "job.missed")) == 0 {
			return "no event"
		}
		return ""
	})
	if n := d.ran("report"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
}

// Under a lock nothing is run; the end of the lock makes up for nothing.
func TestJobUnderALock(t *testing.T) {
	t.Parallel()
	d := started(t, quick+"[service.report]\ncommand = [\"/bin/true\"]\noneshot = true\n")
	d.ctl("maintenance", "start", "report").wants(t, 0)
	d.stop()
	d.config(quick + d.scheduled("report", "", 2*time.Minute))
	d.start()
	eventually(t, "the run is suppressed", func() string {
		if len(d.events("report", "action.suppressed")) == 0 {
			return "no event"
		}
		return ""
	})
	d.ctl("maintenance", "end", "report", "--force").wants(t, 0)
	never(t, "after the release", calm, func() string {
		if n := d.ran("report"); n != 0 {
			return fmt.Sprintf("it ran %d times", n)
		}
		return ""
	})
	d.ctl("start", "report").wants(t, 0)
	if n := d.ran("report"); n != 1 {
		t.Errorf("it ran %d times", n)
	}
}

// A job that fails has failed until it is run again; who starts it by hand is told.
func TestJobByHand(t *testing.T) {
	t.Parallel()
	d := started(t, quick)
	d.config(quick + d.scheduled("report", "", 24*time.Hour-5*time.Minute))
	d.ctl("reload").wants(t, 0)
	d.touch("report.fails")
	d.ctl("start", "report").wants(t, 1, "exited with code 1")
	s := d.waitState("report", "failed")
	if s.Job.LastResult != "failed" || s.Job.LastSuccess != nil {
		t.Errorf("what is known of its runs: %+v", s.Job)
	}
	d.ctl("status").wants(t, 1)
	if n := d.ran("report"); n != 1 {
		t.Errorf("it was tried %d times", n)
	}
	d.untouch("report.fails")
	d.ctl("start", "report").wants(t, 0)
	d.ctl("status").wants(t, 0)
	d.waitState("report", "done")
	d.signal(syscall.SIGHUP) // a reload is no reason to run
	d.ctl("reload").wants(t, 0)
	if n := d.ran("report"); n != 2 {
		t.Errorf("it ran %d times", n)
	}
}
