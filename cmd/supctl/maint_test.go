package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/who"
	"github.com/supd/supd/lockfile"
)

// wireLock is a lock of the caller (mine), of the same login elsewhere, or of anna.
func wireLock(t *testing.T, id, target, whose string) api.Lock {
	t.Helper()
	me, err := who.Self()
	if err != nil {
		t.Fatal(err)
	}
	l := api.Lock{ID: id, Target: target, Owner: me.Name, UID: uint32(me.UID), Since: at, Ready: true, Members: []string{target}}
	if me.LoginUID != lockfile.NoLogin {
		uid := uint32(me.LoginUID)
		l.LoginUID = &uid
	}
	switch whose {
	case "mine":
		l.Mine = true
	case "anna":
		uid := uint32(4242)
		l.Owner, l.LoginUID = "anna", &uid
	}
	return l
}

// Exit codes 0, 6 and 7 have the lock standing and say so on standard output.
func TestMaintenanceStartByTheDaemon(t *testing.T) {
	var asked api.MaintenanceStart
	reply := api.MaintenanceReply{}
	f := &fake{start: func(_ context.Context, m api.MaintenanceStart, p api.Progress) (api.MaintenanceReply, error) {
		asked = m
		p("waiting for stop of db")
		reply.Locks = nil
		for _, l := range m.Locks {
			reply.Locks = append(reply.Locks, api.Lock{ID: l.ID, Target: l.Target, Owner: "anna"})
		}
		return reply, nil
	}}
	socket := f.serve(t)
	for _, c := range []struct {
		reply api.MaintenanceReply
		code  int
		out   string
	}{
		{api.MaintenanceReply{}, 0, "LOCKED db  id "},
		{api.MaintenanceReply{Code: 6, InFlight: []api.InFlight{{Text: "stop of db, pid 7"}}}, 6, "LOCKED, IN FLIGHT db"},
		{api.MaintenanceReply{Code: 7, NotReady: []string{`backup "db-nightly" is 31 h old, limit 26 h`}}, 7, `to fix: backup "db-nightly" is 31 h old, limit 26 h`},
	} {
		reply = c.reply
		r := supctl(socket, "maintenance", "start", "db", "@web", "-m", "why", "--for", "2h", "--ticket", "OPS-1", "--stop", "--wait", "5m", "--require-isolated")
		if r.code != c.code || !strings.Contains(r.out, c.out) || !strings.Contains(r.errs, "next: ") || !strings.Contains(r.errs, "waiting for stop of db\n") {
			t.Errorf("exit code %d, %q, %q; want %d, …%s…", r.code, r.out, r.errs, c.code, c.out)
		}
		if asked.Reason != "why" || asked.ForS != 7200 || asked.WaitS != 300 || !asked.Stop || !asked.RequireIsolated || asked.Ticket != "OPS-1" {
			t.Errorf("asked %+v", asked)
		}
		if len(asked.Locks) != 2 || asked.Locks[1].Target != "@web" || asked.Locks[0].ID == asked.Locks[1].ID {
			t.Errorf("asked for locks %+v", asked.Locks)
		}
		r = supctl(socket, "maintenance", "start", "db", "-o", "json")
		var got api.MaintenanceReply
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != c.code || got.Code != c.code || r.errs != "" {
			t.Errorf("JSON: exit code %d, %v, %q, %q", r.code, err, r.out, r.errs)
		}
	}
}

// A refusal by a daemon that lives is the answer: supctl does not go behind its back.
func TestRefusedLockIsNotTakenDirectly(t *testing.T) {
	f := &fake{start: func(context.Context, api.MaintenanceStart, api.Progress) (api.MaintenanceReply, error) {
		return api.MaintenanceReply{}, api.Errorf(api.CodeFailed, "cannot lock db: no space left on device")
	}}
	r := supctl(f.serve(t), "maintenance", "start", "db")
	if r.code != 1 || r.out != "" || !strings.Contains(r.errs, "no space left") {
		t.Errorf("exit code %d, %q, %q", r.code, r.out, r.errs)
	}
}

// Which of one's own locks `end` means, and what it says when there is none.
func TestEndChoosesOwnLocks(t *testing.T) {
	for _, c := range []struct {
		name  string
		locks []string // "id target whose"
		args  string
		ids   []string // nil: none are ended
		code  int
	}{
		{"this session's", []string{"a db mine", "b db elsewhere", "c db anna"}, "db", []string{"a"}, 0},
		{"the login's only one", []string{"b db elsewhere", "c db anna"}, "db", []string{"b"}, 0},
		{"two from elsewhere", []string{"a db elsewhere", "b db elsewhere"}, "db", nil, 5},
		{"two from elsewhere, --mine", []string{"a db elsewhere", "b db elsewhere", "c db anna"}, "db --mine", []string{"a", "b"}, 0},
		{"--mine alone", []string{"a db mine", "b web elsewhere", "c db anna"}, "--mine", []string{"a", "b"}, 0},
		{"--mine, none", []string{"c db anna"}, "--mine", nil, 3},
		{"not mine", []string{"c db anna"}, "db", nil, 4},
		{"not mine, --mine", []string{"c db anna"}, "db --mine", nil, 4},
		{"none", nil, "db", nil, 3},
		{"only one larger", []string{"a --all mine"}, "db", nil, 3},
		{"the larger one", []string{"a --all mine"}, "--all", []string{"a"}, 0},
		{"several", []string{"a db mine", "b web mine"}, "db web", []string{"a", "b"}, 0},
		{"several, one missing", []string{"a db mine"}, "db web", nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ended []string
			f := &fake{end: func(m api.MaintenanceEnd) (api.MaintenanceReply, error) {
				ended = m.IDs
				return api.MaintenanceReply{}, nil
			}}
			for _, l := range c.locks {
				w := strings.Fields(l)
				f.locks.Locks = append(f.locks.Locks, wireLock(t, w[0], w[1], w[2]))
			}
			r := supctl(f.serve(t), append([]string{"maintenance", "end"}, strings.Fields(c.args)...)...)
			if r.code != c.code || !slices.Equal(ended, c.ids) {
				t.Errorf("exit code %d, ended %q; want %d, %q; %s", r.code, ended, c.code, c.ids, r.errs)
			}
		})
	}
}

func TestEndByTheDaemon(t *testing.T) {
	var asked api.MaintenanceEnd
	var refusal error
	f := &fake{locks: api.LocksReply{Locks: []api.Lock{wireLock(t, "a", "db", "mine")}}}
	f.end = func(m api.MaintenanceEnd) (api.MaintenanceReply, error) {
		asked = m
		return api.MaintenanceReply{Locks: f.locks.Locks, Remaining: []api.Lock{wireLock(t, "c", "db", "anna")}}, refusal
	}
	socket := f.serve(t)
	r := supctl(socket, "maintenance", "end", "db", "--start", "--wait", "10s")
	if r.code != 0 || !asked.Start || asked.WaitS != 10 || !strings.Contains(r.out, "STILL HELD db") || !strings.Contains(r.out, "still locked by anna") {
		t.Errorf("exit code %d, asked %+v, %q", r.code, asked, r.out)
	}
	refusal = api.Errorf(api.CodeVerify, `cannot release "db": it is down`).WithNext("--start or --leave-stopped")
	if r := supctl(socket, "maintenance", "end", "db"); r.code != 5 || !strings.Contains(r.errs, "it is down\n  --start") {
		t.Errorf("exit code %d, %q", r.code, r.errs)
	}
}

func TestListShowCheck(t *testing.T) {
	overdue := wireLock(t, "7qk2aaaa", "db", "anna")
	overdue.Overdue, overdue.Ready, overdue.Reason, overdue.Until = true, false, "vac\u009buum", &at
	f := &fake{locks: api.LocksReply{Locks: []api.Lock{overdue, wireLock(t, "7qk3bbbb", "web", "mine")}}}
	socket := f.serve(t)
	r := supctl(socket, "maintenance", "list")
	if r.code != 0 || !strings.Contains(r.out, "overdue, not ready") || !strings.Contains(r.out, `vac\u009buum`) {
		t.Errorf("list: exit code %d, %q", r.code, r.out)
	}
	r = supctl(socket, "maintenance", "list", "-o", "json")
	var got struct {
		Locks []map[string]json.RawMessage `json:"locks"`
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || strings.Contains(r.out, "\u009b") {
		t.Errorf("list -o json: %v, %q", err, r.out)
	}
	for _, key := range []string{"id", "target", "owner", "uid", "login_uid", "tty", "reason", "ticket", "since", "until", "overdue", "abandoned", "ready"} {
		if _, ok := got.Locks[0][key]; !ok {
			t.Errorf("list -o json lacks %q", key)
		}
	}
	for id, code := range map[string]int{"7qk2": 0, "7qk3bbbb": 0, "7qk": 2, "8": 3} {
		if r := supctl(socket, "maintenance", "show", id); r.code != code {
			t.Errorf("show %s: exit code %d, want %d; %s", id, r.code, code, r.errs)
		}
	}
	f.locks.Unreadable = []api.BadLock{{File: "/s/locks/service/db/bad1.toml", Target: "db", Reason: "garbage"}}
	if r := supctl(socket, "maintenance", "list"); r.code != 8 || !strings.Contains(r.out, "db counts as locked") {
		t.Errorf("list with a damaged file: exit code %d, %q", r.code, r.out)
	}
	for _, code := range []int{0, 4, 8} {
		f.check = api.MaintenanceCheck{Target: "db", Code: code, Locked: code == 4}
		if r := supctl(socket, "maintenance", "check", "db"); r.code != code || !strings.HasPrefix(r.out, "db: ") {
			t.Errorf("check: exit code %d, %q; want %d", r.code, r.out, code)
		}
		if r := supctl(socket, "maintenance", "check", "db", "-q"); r.code != code || r.out+r.errs != "" {
			t.Errorf("check -q: exit code %d, %q, %q", r.code, r.out, r.errs)
		}
	}
}

func TestBreakByTheDaemon(t *testing.T) {
	var asked api.MaintenanceBreak
	f := &fake{locks: api.LocksReply{
		Locks:      []api.Lock{wireLock(t, "7qk2aaaa", "db", "anna")},
		Unreadable: []api.BadLock{{File: "/s/locks/service/web/bad1.toml", Target: "web", Reason: "garbage"}},
	}}
	f.breaks = func(m api.MaintenanceBreak) (api.MaintenanceReply, error) {
		asked = m
		return api.MaintenanceReply{Locks: []api.Lock{{ID: m.NewID, Target: "db", Owner: "root"}}}, nil
	}
	socket := f.serve(t)
	r := supctl(socket, "maintenance", "break", "7qk2", "--reason", "away", "--yes")
	if r.code != 0 || asked.ID != "7qk2aaaa" || asked.NewID == "" || asked.Reason != "away" || !strings.Contains(r.out, "LOCKED db") {
		t.Errorf("exit code %d, asked %+v, %q", r.code, asked, r.out)
	}
	if r := supctl(socket, "maintenance", "break", "bad1", "-m", "damaged", "--yes"); r.code != 0 || asked.ID != "bad1" {
		t.Errorf("a damaged lock: exit code %d, asked %+v, %s", r.code, asked, r.errs)
	}
	asked = api.MaintenanceBreak{}
	for _, args := range [][]string{{"7qk2", "-m", "away"}, {"7qk2", "-m", "away", "-o", "json"}} {
		if r := supctl(socket, append([]string{"maintenance", "break"}, args...)...); r.code != 2 || asked.ID != "" {
			t.Errorf("%v with nobody to ask: exit code %d, asked %+v", args, r.code, asked)
		}
	}
}

func TestExtendByTheDaemon(t *testing.T) {
	var asked api.MaintenanceExtend
	f := &fake{locks: api.LocksReply{Locks: []api.Lock{wireLock(t, "a", "db", "mine")}}}
	f.extend = func(m api.MaintenanceExtend) (api.MaintenanceReply, error) {
		asked = m
		return api.MaintenanceReply{Locks: f.locks.Locks}, nil
	}
	r := supctl(f.serve(t), "maintenance", "extend", "db", "--for", "1h30m")
	if r.code != 0 || asked.ForS != 5400 || !slices.Equal(asked.IDs, []string{"a"}) || !strings.HasPrefix(r.out, "EXTENDED db") {
		t.Errorf("exit code %d, asked %+v, %q", r.code, asked, r.out)
	}
}

// A daemon that hangs in the middle of a request counts as not answering; one
// that says now and then what it waits for does not.
func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, heard, stop := guard(context.Background(), time.Minute)
		defer stop()
		for range 3 {
			<-time.After(59 * time.Second) // on synctest's clock
			if ctx.Err() != nil {
				t.Fatal("ended while the daemon spoke")
			}
			heard()
		}
		begun := time.Now()
		<-ctx.Done()
		var hung *api.NotAnsweringError
		if err := context.Cause(ctx); !errors.As(err, &hung) || time.Since(begun) != time.Minute {
			t.Errorf("ended after %v: %v", time.Since(begun), err)
		}
	})
}
