package lockfile

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestValidName(t *testing.T) {
	for _, good := range []string{"db", "web@1", "a.b_c-d:e+f", "Ünicode"[2:], strings.Repeat("x", nameBytesMax)} {
		if err := ValidName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "../etc", "a/b", "a..b", ".hidden", "-all", "--all", "@web", "a b", "a\nb", "a\x00b", "ü", strings.Repeat("x", nameBytesMax+1)} {
		if ValidName(bad) == nil {
			t.Errorf("%q is valid", bad)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]Target{"db": ServiceTarget("db"), "@web": GroupTarget("web"), "--all": HostTarget(), "web@1": ServiceTarget("web@1")} {
		got, err := ParseTarget(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "@", "@@x", "--al", "@../x", "a/b", "@--all"} {
		if got, err := ParseTarget(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestValidID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if ValidID(id) != nil || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
	for _, bad := range []string{"", "a/b", "..", "a.b", "a b", "a@b", strings.Repeat("x", idBytesMax+1)} {
		if ValidID(bad) == nil {
			t.Errorf("%q is valid", bad)
		}
	}
}

func TestOwners(t *testing.T) {
	base := Owner{Name: "ann", UID: 1001, LoginUID: 1001, Session: "7"}
	with := func(f func(*Owner)) Owner { o := base; f(&o); return o }
	for name, c := range map[string]struct {
		o                Owner
		same, sameperson bool
	}{
		"herself":           {base, true, true},
		"through sudo":      {with(func(o *Owner) { o.UID = 0; o.Name = "root" }), true, true},
		"another terminal":  {with(func(o *Owner) { o.TTY = "pts/9"; o.PID = 99 }), true, true},
		"another session":   {with(func(o *Owner) { o.Session = "8" }), false, true},
		"another login":     {with(func(o *Owner) { o.LoginUID = 1002 }), false, false},
		"no login, her uid": {with(func(o *Owner) { o.LoginUID = NoLogin; o.Session = "" }), false, false},
	} {
		if got := base.Same(c.o); got != c.same {
			t.Errorf("%s: same %v", name, got)
		}
		if got := base.SameLogin(c.o); got != c.sameperson {
			t.Errorf("%s: same login %v", name, got)
		}
	}
}

func TestLockRoundTrip(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	l := Lock{Format: 1, ID: "x1", Target: GroupTarget("web"), Reason: "why", Ticket: "T-1", TakenAt: at, Until: at.Add(time.Hour), MeantDown: true,
		NotReady: []string{"backup is old"}, Replaces: "x0", Host: "h", BootID: "b", Owner: ann(),
		Members: map[string]Identity{"db": {Unit: "u"}, "web@1": {Command: "c", Pidfile: "p"}}, Ended: &Ended{At: at, By: bob(), How: "break", Note: "n"}}
	content, err := l.encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseLock(content, "x1")
	if err != nil || !reflect.DeepEqual(got, l) {
		t.Errorf("%+v\n%+v\n%v", got, l, err)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	r := Record{Format: 1, Service: "db", Verb: VerbRestart, Phase: PhaseStopped, Automatic: true, By: "a \"b\" \\ \n \x7f ü", Reason: "why",
		Since: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), BootID: "b", Maker: Proc{1, 2}, Shim: Proc{3, 4}, Script: Proc{5, 6},
		Target: Proc{7, 8}, TermSent: true, Cgroup: Cgroup{"supd-1234abcd/svc-db/gen-7", 1 << 40}, UnitJob: "17"}
	got, err := parseRecord(append(encodeRecord(nil, &r), "\n\n\n\n"...), "db")
	if err != nil || !reflect.DeepEqual(*got, r) {
		t.Errorf("%+v\n%+v\n%v", got, r, err)
	}
	for _, blank := range []string{"", "\n\n\n", "\x00\x00\x00"} {
		if got, err := parseRecord([]byte(blank), "db"); got != nil || err != nil {
			t.Errorf("%q: %+v, %v", blank, got, err)
		}
	}
	if _, err := parseRecord(encodeRecord(nil, &r), "web"); err == nil {
		t.Error("the record of another service")
	}
	r.By, r.Reason = strings.Repeat("\x01", 9999), strings.Repeat("\x01", 9999)
	r.Service, r.UnitJob = strings.Repeat("x", nameBytesMax), strings.Repeat("x", 9999)
	if b := encodeRecord(nil, &r); len(b) > recordBytesMax {
		t.Errorf("a record of %d bytes", len(b))
	}
}

// FuzzParseLock: no content of a lock file makes the reader panic, or passes as another lock than its name says; and what is
// taken for a lock can be written again and is the same lock.
func FuzzParseLock(f *testing.F) {
	good, _ := Lock{Format: 1, ID: "x1", Target: ServiceTarget("db"), TakenAt: time.Unix(1e9, 0).UTC(), Owner: ann(), Members: map[string]Identity{"db": {Unit: "u"}}}.encode()
	f.Add(good)
	for _, g := range garbage() {
		f.Add([]byte(g)[:min(len(g), 500)])
	}
	f.Add([]byte("format = 2\nid = 7\ntarget = [1]\n"))
	f.Add(bytes.Replace(good, []byte("format = 1"), []byte("format = 1\ncolour = {r = 1}"), 1))
	f.Fuzz(func(t *testing.T, content []byte) {
		l, err := parseLock(content, "x1")
		if err != nil {
			return
		}
		if l.ID != "x1" {
			t.Fatalf("id %q", l.ID)
		}
		if l.Format > FormatVersion {
			return
		}
		if l.Target.Valid() != nil {
			t.Fatalf("target %+v", l.Target)
		}
		again, err := l.encode()
		if err != nil {
			t.Fatalf("cannot be rewritten: %v", err)
		}
		m, err := parseLock(again, "x1")
		if err != nil || m.Target != l.Target || !m.Owner.Same(l.Owner) && len(content) < textBytesMax {
			t.Fatalf("rewritten: %+v, %v", m, err)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add(encodeRecord(nil, &Record{Format: 1, Service: "db", Verb: VerbStop, Since: time.Unix(1e9, 0), Shim: Proc{1, 2}}))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := parseRecord(content, "db")
		if err == nil && r != nil && r.Service != "db" {
			t.Fatalf("%+v", r)
		}
	})
}
