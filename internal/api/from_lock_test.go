package api

import (
	"os"
	"strconv"

	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/supd/supd/lockfile"
)

func TestLockOnTheWire(t *testing.T) {
	taken := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	anna := lockfile.Owner{Name: "anna", UID: 0, LoginUID: 1000, Session: "7", TTY: "pts/3"}
	l := lockfile.Lock{
		ID: "3f2a", Target: lockfile.GroupTarget("web"), TakenAt: taken, Until: taken.Add(time.Hour), BootID: "boot",
		Owner: anna, Members: map[string]lockfile.Identity{"b": {}, "a": {}}, NotReady: []string{"backup is old"},
	}
	v := LockView{Now: taken.Add(2 * time.Hour), Me: anna, BootID: "boot", StateDir: "/s",
		Members: func(lockfile.Target) []string { return []string{"c", "a"} }}
	w := v.Lock(l)
	if w.Target != "@web" || w.Owner != "anna" || w.UID != 0 || w.LoginUID == nil || *w.LoginUID != 1000 || !w.Mine {
		t.Errorf("person or target: %+v", w)
	}
	if !w.Overdue || w.Ready || w.Abandoned {
		t.Errorf("overdue %v, ready %v, abandoned %v; want true, false, false", w.Overdue, w.Ready, w.Abandoned)
	}
	if !slices.Equal(w.Members, []string{"a", "b", "c"}) {
		t.Errorf("members %q", w.Members)
	}
	if w.File != "/s/locks/group/web/3f2a.toml" {
		t.Errorf("file %s", w.File)
	}
}

func TestAbandoned(t *testing.T) {
	for _, c := range []struct {
		name    string
		boot    string
		session string
		tty     string
		want    bool
	}{
		{"session lives", "boot", "7", "pts/1", false},
		{"session is gone", "boot", "8", "pts/1", true},
		{"another boot", "old", "7", "pts/1", true},
		{"no session, terminal is gone", "boot", "", "pts/no-such", true},
		{"no session, terminal is there", "boot", "", "null", false},
		{"neither", "boot", "", "", false},
	} {
		v := LockView{BootID: "boot", Live: func() map[string]bool { return map[string]bool{"7": true} }}
		got := v.Lock(lockfile.Lock{BootID: c.boot, Owner: lockfile.Owner{Session: c.session, TTY: c.tty}}).Abandoned
		if got != c.want {
			t.Errorf("%s: abandoned = %v", c.name, got)
		}
	}
}

// Session and maintenance exec are two things: who reads it has to know which of them is gone.
func TestWhoIsGone(t *testing.T) {
	me := lockfile.Proc{PID: os.Getpid()}
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	after := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if me.Start, err = strconv.ParseUint(after[22-3], 10, 64); err != nil {
		t.Fatal(err)
	}
	v := LockView{BootID: "now", Live: func() map[string]bool { return map[string]bool{"7": true} }}
	for _, c := range []struct {
		name string
		lock lockfile.Lock
		want string
	}{
		{"both live", lockfile.Lock{BootID: "now", Attached: true, Owner: lockfile.Owner{Name: "ann", Session: "7", PID: me.PID, StartTime: me.Start}}, ""},
		{"its exec is gone", lockfile.Lock{BootID: "now", Attached: true, Owner: lockfile.Owner{Name: "ann", Session: "7", PID: me.PID, StartTime: me.Start + 1}},
			"the supctl maintenance exec that took it is gone; the session of ann is still there"},
		{"both are gone", lockfile.Lock{BootID: "now", Attached: true, Owner: lockfile.Owner{Name: "ann", Session: "8", PID: me.PID, StartTime: me.Start + 1}},
			"the supctl maintenance exec that took it is gone, and so is the session of ann"},
		{"its session is gone", lockfile.Lock{BootID: "now", Owner: lockfile.Owner{Name: "ann", Session: "8"}}, "the session of ann that took it is gone"},
		{"of an earlier boot", lockfile.Lock{BootID: "old", Owner: lockfile.Owner{Name: "ann", Session: "7"}}, "the host was started again since ann took it"},
		{"taken up again in this boot", lockfile.Lock{BootID: "old", OwnerBoot: "now", Owner: lockfile.Owner{Name: "ann", Session: "7"}}, ""},
	} {
		if w := v.Lock(c.lock); w.AbandonedWhy != c.want || w.Abandoned != (c.want != "") {
			t.Errorf("%s: abandoned %v, %q, want %q", c.name, w.Abandoned, w.AbandonedWhy, c.want)
		}
	}
}

func TestErrorOf(t *testing.T) {
	lock := lockfile.Lock{ID: "3f2a", Target: lockfile.ServiceTarget("db"), Owner: lockfile.Owner{Name: "anna"}}
	for _, c := range []struct {
		err  error
		code int
		next string // contained in it
	}{
		{&lockfile.HeldError{Service: "db", Verb: "start", Locks: []lockfile.Lock{lock}}, CodeHeld, "ask anna"},
		{&lockfile.HeldError{Service: "db", Verb: "start", Holds: []lockfile.Hold{{Kind: lockfile.HoldOperatorStop}}}, CodeHeld, "supctl start db"},
		{&lockfile.HeldError{Service: "db", Verb: "start", Holds: []lockfile.Hold{{Kind: lockfile.HoldInterlock}}}, CodeHeld, "--override-interlock"},
		{&lockfile.UnreadableError{Service: "db", Files: []lockfile.Unreadable{{Path: "/s/x", Err: fs.ErrPermission}}}, CodeUnknown, "/s/x"},
		{&lockfile.InFlightError{InFlight: lockfile.InFlight{Service: "db", Record: &lockfile.Record{Shim: lockfile.Proc{PID: 42}}}}, CodeInFlight, "kill -9 42"},
		{&lockfile.BusyError{Service: "db"}, CodeFailed, "waits again"},
		{&lockfile.BrokenError{ID: "3f2a"}, CodeHeld, "maintenance list"},
		{&lockfile.NotOwnerError{Lock: lock}, CodeHeld, "break 3f2a"},
		{&lockfile.GoneError{ID: "3f2a"}, CodeNotFound, "maintenance list"},
		{&lockfile.VerifyError{Service: "db", Err: errors.New("down")}, CodeVerify, "--leave-stopped"},
		{&lockfile.MarkerError{Path: "/s", Err: fs.ErrNotExist}, CodeUnknown, "mount"},
		{&lockfile.DirError{Path: "/s", Why: "a link"}, CodeUnknown, "--state-dir"},
		{fs.ErrPermission, CodeNotAllowed, ""},
		{errors.New("no space"), CodeFailed, ""},
		{Errorf(CodeUsage, "cannot so"), CodeUsage, ""},
	} {
		e := ErrorOf(`work on "db"`, fmt.Errorf("cannot do it: %w", c.err))
		if e.Code != c.code || !strings.Contains(e.Next, c.next) {
			t.Errorf("%T: code %d, next %q; want %d, …%s…", c.err, e.Code, e.Next, c.code, c.next)
		}
		if e := ErrorOf(`work on "db"`, c.err); !strings.HasPrefix(e.Message, "cannot ") {
			t.Errorf("%T: message %q does not begin with what cannot be done", c.err, e.Message)
		}
	}
	if ErrorOf("x", nil) != nil {
		t.Error("nil became an error")
	}
}

func TestBadLocksNameTheirTarget(t *testing.T) {
	for path, want := range map[string]string{
		"/s/locks/service/db/x.toml": "db",
		"/s/locks/group/web/x.toml":  "@web",
		"/s/locks/host/all/x.toml":   "--all",
		"/s/holds/db/x.toml":         "db",
		"/s/locks":                   "",
	} {
		got := BadLocks([]lockfile.Unreadable{{Path: path, Err: errors.New("garbage")}})
		if got[0].Target != want {
			t.Errorf("%s: target %q, want %q", path, got[0].Target, want)
		}
	}
}
