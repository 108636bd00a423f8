package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// backup is a check of no service that passes while its file is there.
const backup = "[check.backup]\ntype = \"file\"\npath = \"$DIR/backup\"\nevery = \"100ms\"\ntimeout = \"90ms\"\n"

// lacking waits until status shows what a service's lock lacks: nothing, or one line with each of the words.
func (d *daemon) lacking(name string, words ...string) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%s lacks %q", name, words), func() string {
		s := d.status(name)
		for _, h := range s.Holds {
			if h.Kind == "lock" && len(h.NotReady) == len(words) && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(strings.Join(h.NotReady, "\n"), w) }) {
				return ""
			}
		}
		return fmt.Sprint(s.Holds)
	})
}

// A lock is granted whatever is missing, says what, and goes by what is true now: without anybody asking, and when asked.
func TestNotReadyUntilTheBackupIsThere(t *testing.T) {
	t.Parallel()
	d := started(t, quick+backup+service("db", "[service.db.maintenance]\nrequire = [\"backup\"]\n")+service("web", ""))
	d.up("db", "web")
	d.ctl("maintenance", "start", "db", "web").wants(t, 7, "LOCKED, NOT READY db", `to fix: check "backup" is failing`, "maintenance ready db")
	d.shoot("db", 9)
	d.waitState("db", "down")
	d.unchanged("not ready, and locked all the same", "db")
	d.lacking("db", "backup")
	d.lacking("web") // its own policy wants nothing
	for _, l := range d.locks() {
		if l.Ready != (l.Target == "web") {
			t.Errorf("the lock of %s: ready = %t", l.Target, l.Ready)
		}
	}
	d.ctl("status", "db").wants(t, 0, "(not ready)")
	d.ctl("show", "db").wants(t, 0, `to fix: check "backup" is failing`)
	d.ctl("explain", "db").wants(t, 0, "is not ready")
	d.ctl("maintenance", "list").wants(t, 0, `to fix: check "backup" is failing`)
	d.ctl("maintenance", "ready", "db").wants(t, 7, "NOT READY db", "backup")

	d.touch("backup")
	d.ctl("maintenance", "ready", "db").wants(t, 0, "READY db") // looks itself, whatever the schedule
	d.lacking("db")
	if text, err := os.ReadFile(d.locks()[0].File); err != nil || strings.Contains(string(text), "not_ready") {
		t.Errorf("the lock's file still says what is missing: %s, %v", text, err)
	}
	if all := d.events("db", "maintenance.ready"); len(all) != 1 {
		t.Errorf("events: %v", all)
	}
	d.untouch("backup") // it is too old, or gone, when the work has not yet begun
	d.lacking("db", "backup")
	d.touch("backup")
	d.lacking("db")
}

// What a lock lacks is known again after supd was away, also of a check that does not look while its service is down.
func TestNotReadySurvivesSupd(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "[service.db.maintenance]\nrequire = [\"own\"]\n[service.db.check.own]\ntype = \"file\"\npath = \"$DIR/own\"\nevery = \"1h\"\n"))
	d.up("db")
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 7, "own")
	d.kill9()
	d.touch("own")
	d.start()
	d.lacking("db")
	d.ctl("maintenance", "ready", "db").wants(t, 0)
}

// A group's lock needs what any of its members needs, one for the host what all of them need; the shortest duration counts.
func TestNotReadyGroupsAreTheUnion(t *testing.T) {
	t.Parallel()
	d := started(t, "[maintenance]\nsettle = \"0s\"\ndefault_duration = \"4h\"\nrequire_ticket = \"OPS-[0-9]+\"\n"+backup+
		service("db", "[service.db.maintenance]\nrequire = [\"backup\"]\nrequire_ticket = \"\"\ndefault_duration = \"30m\"\n")+
		service("web", "[service.web.maintenance]\nrequire_reason = true\n")+
		service("mail", "[service.mail.maintenance]\nrequire_ticket = \"MAIL-[0-9]+\"\n")+
		"[group.both]\nservices = [\"db\", \"web\"]\n")
	d.up("db", "web", "mail")
	reason, ticket, mail, file := "a reason is required", `a ticket that matches "OPS-[0-9]+" is required`, `"MAIL-[0-9]+"`, `check "backup"`
	says := func(r result, want ...string) {
		t.Helper()
		r.wants(t, 7, want...)
		for _, text := range []string{reason, ticket, mail, file} {
			if strings.Contains(r.Out, text) != slices.Contains(want, text) {
				t.Errorf("%q: said %t\n%s", text, !slices.Contains(want, text), r.Out)
			}
		}
	}
	says(d.ctl("maintenance", "start", "db"), file)
	says(d.ctl("maintenance", "start", "web"), reason, ticket)
	says(d.ctl("maintenance", "start", "@both"), reason, ticket, file)
	says(d.ctl("maintenance", "start", "--all"), reason, ticket, mail, file)
	says(d.ctl("maintenance", "ready", "web", "-m", "index"), ticket)
	says(d.ctl("maintenance", "ready", "web", "--ticket", "ops 17"), ticket) // the reason was said before
	d.ctl("maintenance", "ready", "web", "--ticket", "OPS-17").wants(t, 0)
	says(d.ctl("maintenance", "start", "@both", "-m", "x", "--ticket", "OPS-17"), file)
	var reply struct {
		Locks []struct {
			Target string
			lockTimes
		}
	}
	d.decode(&reply, "maintenance", "list")
	for _, l := range reply.Locks {
		want := map[string]float64{"db": 0.5, "web": 4, "@both": 0.5, "--all": 0.5}[l.Target]
		if got := l.Until.Sub(l.Since).Hours(); got < want-0.02 || got > want+0.02 {
			t.Errorf("%s: expected to last %.2f h, want %.2f", l.Target, got, want)
		}
	}
}

// Who may ask, and what `ready` says where there is nothing to ask about.
func TestReadyExitCodes(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", "")+service("web", "")+service("bad", ""))
	d.up("db", "web", "bad")
	anna, bert := d.login(6101, 0), d.login(6102, 0)
	anna.ctl("maintenance", "start", "db", "bad").wants(t, 0)
	bert.ctl("maintenance", "ready", "db").wants(t, 4, "not yours")
	bert.ctl("maintenance", "ready", "web").wants(t, 3, "there is none")
	bert.ctl("maintenance", "ready", "--all").wants(t, 3)
	bert.ctl("maintenance", "ready").wants(t, 2, "no target")
	anna.ctl("maintenance", "ready", "db", "bad").wants(t, 0)
	for _, l := range d.locks() {
		if l.Target == "bad" {
			if err := os.WriteFile(l.File, []byte("garbage"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	anna.ctl("maintenance", "ready", "bad").wants(t, 8, ".toml")
	d.kill9()
	anna.ctl("maintenance", "ready", "db").wants(t, 9, "without supd")
}

// A lock that supctl wrote while supd was away has proven nothing; supd does it when it is asked.
func TestReadyProvesWhatTheFilesCouldNot(t *testing.T) {
	t.Parallel()
	d := started(t, quick+service("db", ""))
	d.up("db")
	d.kill9()
	d.ctl("maintenance", "start", "db", "--stop").wants(t, 7, "--stop stopped nothing")
	d.start()
	d.waitHold("db", "lock")
	d.lacking("db", "--stop stopped nothing")
	d.ctl("maintenance", "ready", "db").wants(t, 7, `"db" is not down: process`)
	d.ctl("stop", "db").wants(t, 0)
	d.ctl("maintenance", "ready", "db").wants(t, 0)
	d.lacking("db")
}
