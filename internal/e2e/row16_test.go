package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Row 16: while services hang, again and again, at every point where a start or a stop can hang, the others are repaired as
// fast as beside none. Two supds take turns, one with them and one without; who compares two runs compares the machine's load.
func TestRow16_NobodyWaitsForOneThatHangs(t *testing.T) {
	t.Parallel()
	const again = "[service.%s.restart]\nbackoff = { first = \"0s\", then = \"10ms\", factor = 1 }\n"
	web := service("web", "[service.web.restart]\nbackoff = { reset_after = \"1ms\" }\n")
	text, hanging := web, []string{}
	const deaf, ofEach = 4, 12 // more than supd does at the same time on two processors
	for i := range ofEach {
		for kind, more := range map[string]string{
			"unready": "ready = \"notify\"\nready_timeout = \"1s\"\n",
			"hooked":  "hook_timeout = \"200ms\"\npre_start = [" + hangs("hooked", i) + "]\n",
			"after":   fmt.Sprintf("depends_on = [\"unready%d\"]\n", i),
		} {
			name := fmt.Sprint(kind, i)
			hanging = append(hanging, name)
			text += service(name, more+fmt.Sprintf(again, name))
		}
		name := fmt.Sprint("checked", i) // comes up, and is restarted because its check never answers
		text += service(name, fmt.Sprintf("[service.%s.check.ask]\ntype = \"program\"\ncommand = %s\nevery = \"500ms\"\ntimeout = \"400ms\"\nfail_after = 1\non_fail = \"restart\"\n",
			name, hangs("checked", i)))
	}
	for i := range deaf {
		name := fmt.Sprint("deaf", i)
		text += service(name, fmt.Sprintf("[service.%s.stop]\ntimeout = \"2m\"\n", name), "-ignore-term")
	}
	calm, busy := started(t, quick+web), started(t, quick+text)
	for i := range deaf {
		busy.up(fmt.Sprint("deaf", i))
		defer func(stop <-chan result) { // killed at the end of the test; they are still being told to go
			select {
			case r := <-stop:
				t.Errorf("the stop of what ignores it ended: %v", r)
			default:
			}
		}(busy.ctlAsync("stop", fmt.Sprint("deaf", i)))
	}
	took := map[*daemon][]time.Duration{}
	const rounds = 40
	for round := range rounds {
		for _, d := range []*daemon{calm, busy} {
			pid := d.up("web")[0]
			began := boottime()
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			took[d] = append(took[d], time.Duration(d.waitStarts("web", round+2)[round+1].T-began))
		}
	}
	for _, d := range took {
		slices.Sort(d)
	}
	with, without := took[busy], took[calm]
	t.Logf("crash to running, of %d: beside services that hang median %v, p90 %v, alone median %v, p90 %v",
		rounds, with[rounds/2], with[rounds*9/10], without[rounds/2], without[rounds*9/10])
	if with[rounds/2] > 2*without[rounds/2]+5*time.Millisecond {
		t.Errorf("beside services that hang a crash is repaired after %v, alone after %v (medians)", with[rounds/2], without[rounds/2])
	}
	for i := range ofEach {
		for _, kind := range []string{"hooked", "checked"} {
			if text, _ := os.ReadFile(busy.path(fmt.Sprint(kind, i, ".hung"))); strings.Count(string(text), "hangs") < 3 {
				t.Errorf("what %s%d waits for was begun %d times only", kind, i, strings.Count(string(text), "hangs"))
			}
		}
	}
	all := busy.all()
	for _, name := range hanging {
		if s := all[name].State; s == "up" {
			t.Errorf("%s is up, and should hang", name)
		}
		if kind := strings.TrimRight(name, "0123456789"); kind == "unready" && len(busy.starts(name)) < 3 {
			t.Errorf("%s was started %d times only: was anything hanging all the time?", name, len(busy.starts(name)))
		}
	}
}

// hangs is a command that notes that it was begun, and never ends by itself.
func hangs(kind string, i int) string {
	return fmt.Sprintf(`["/bin/sh", "-c", "echo hangs >> $DIR/%s%d.hung; exec sleep 1000"]`, kind, i)
}

// Row 16: one service's start and another's stop hang; nobody else waits.
func TestRow16_OneServiceHangs(t *testing.T) {
	t.Parallel()
	d := started(t, quick+
		service("hung", "ready = \"notify\"\nready_timeout = \"2m\"\n")+
		service("deaf", "[service.deaf.stop]\ntimeout = \"2m\"\n", "-ignore-term")+
		service("web", "")+service("db", ""))
	d.up("web", "db", "deaf")
	stopping := d.ctlAsync("stop", "deaf")
	eventually(t, "TERM", func() string {
		if len(d.noted("deaf", "SIGTERM")) == 0 {
			return "not sent yet"
		}
		return ""
	})
	for round := range 3 {
		began := boottime()
		d.shoot("web", syscall.SIGKILL)
		s := d.waitStarts("web", round+2)[round+1]
		d.up("web")
		t.Logf("repaired after %s", time.Duration(s.T-began))
		d.ctl("restart", "db").wants(t, 0)
		d.ctl("maintenance", "start", "db").wants(t, 0)
		d.ctl("maintenance", "end", "db").wants(t, 0)
	}
	all := d.all()
	if all["hung"].State != "starting" || all["deaf"].State != "stopping" {
		t.Fatalf("hung is %s, deaf is %s: the others may have waited for them", all["hung"].State, all["deaf"].State)
	}
	select {
	case r := <-stopping:
		t.Fatalf("the stop ended: %v", r)
	default:
	}
}
