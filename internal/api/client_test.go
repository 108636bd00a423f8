package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/supd/supd/internal/journal"
)

func TestClientErrors(t *testing.T) {
	dir := t.TempDir()
	hung, err := Listen(filepath.Join(dir, "hung"))
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close()
	stale, err := Listen(filepath.Join(dir, "stale"))
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	dies := fakeDaemon(t, filepath.Join(dir, "dies"), "")
	silentEnd := fakeDaemon(t, filepath.Join(dir, "half"), "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n{\"accepted\":true}\n")
	plain := fakeDaemon(t, filepath.Join(dir, "plain"), "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad")
	for _, c := range []struct {
		name, socket string
		want         any
		unreachable  bool
		text         string
	}{
		{"no socket", filepath.Join(dir, "none"), new(*NotReachableError), true, "no such file"},
		{"stale socket", stale.Addr().String(), new(*NotReachableError), true, "connection refused"},
		{"hung", hung.Addr().String(), new(*NotAnsweringError), true, "does not answer (waited 100ms)"},
		{"dies before a word", dies, new(*NotReachableError), true, ""},
		{"dies after it accepted", silentEnd, new(*BrokenError), true, "went away before it had answered"},
		{"speaks otherwise", plain, new(*Error), false, "HTTP 502 without saying why"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := NewClient(c.socket)
			cl.patience = 100 * time.Millisecond
			_, err := cl.Act(t.Context(), Action{Verb: "start", Targets: []string{"db"}}, nil)
			if err == nil || !errors.As(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %T: %v", err, err)
			}
			if IsUnreachable(err) != c.unreachable || (CodeOf(err) == CodeUnreachable) != c.unreachable {
				t.Errorf("unreachable: %v, code %d", IsUnreachable(err), CodeOf(err))
			}
		})
	}
}

// fakeDaemon answers each connection's request with some bytes and closes it.
func fakeDaemon(t *testing.T, socket, answer string) string {
	t.Helper()
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, answer)
			c.Close()
		}
	}()
	return socket
}

// The client's patience is for the first sign of life only.
func TestClientWaitsForADaemonThatWorks(t *testing.T) {
	slow := make(chan struct{})
	c, _ := served(t, &fake{act: func(context.Context, Peer, Action, Progress) (ActionReply, error) {
		<-slow
		return ActionReply{}, nil
	}})
	c.patience = 50 * time.Millisecond
	time.AfterFunc(4*c.patience, func() { close(slow) })
	if _, err := c.Act(t.Context(), Action{Verb: "start", Targets: []string{"db"}}, nil); err != nil {
		t.Error(err)
	}
}

// Whoever wants them has the notices that there are once the work is done, whether it succeeded or not, and without a request more.
func TestNoticesComeWithTheAnswer(t *testing.T) {
	f := &fake{news: []Notice{{Key: "break x", Text: "broken"}}}
	refusing := false
	f.act = func(context.Context, Peer, Action, Progress) (ActionReply, error) {
		if refusing {
			return ActionReply{}, Errorf(CodeHeld, "held")
		}
		return ActionReply{}, nil
	}
	deaf, _ := served(t, f)
	act := Action{Verb: "start", Targets: []string{"db"}}
	if _, err := deaf.Act(t.Context(), act, nil); err != nil || slices.Contains(f.made(), "Notices") {
		t.Errorf("%v; calls %v", err, f.made())
	}
	c := NewClient(deaf.Socket())
	var heard [][]Notice
	c.HearNotices(func(all []Notice) { heard = append(heard, all) })
	if _, err := c.Act(t.Context(), act, nil); err != nil {
		t.Error(err)
	}
	refusing = true
	if _, err := c.Act(t.Context(), act, nil); CodeOf(err) != CodeHeld {
		t.Error(err)
	}
	f.news = nil
	_, _ = c.Act(t.Context(), act, nil)
	if len(heard) != 3 || len(heard[0]) != 1 || len(heard[1]) != 1 || heard[0][0] != heard[1][0] || heard[0][0].Text != "broken" || heard[2] == nil || len(heard[2]) != 0 {
		t.Errorf("heard %v", heard)
	}
}

// A list without a word about what cannot be read is passed on as it is; of one with such a file, somebody has to look at it.
func TestAllReadable(t *testing.T) {
	for text, want := range map[string]bool{
		"{\"locks\":[],\"unreadable\":[]}\n":                                   true,
		"{\"locks\":[],\"unreadable\":[{\"file\":\"x\"}]}\n":                   false,
		"{\"locks\":[{\"reason\":\"\\\"unreadable\\\":[]}\\n\"}],\"new\":1}\n": false,
		"{\"locks\":[],\"unreadable\":[]":                                      false, "": false,
	} {
		if got := AllReadable([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	c, _ := served(t, &fake{})
	if text, err := c.LocksText(t.Context(), nil); err != nil || !AllReadable(text) {
		t.Errorf("%q, %v", text, err)
	}
}

func TestEveryCallOfTheClient(t *testing.T) {
	f := &fake{}
	c, _ := served(t, f)
	ctx := t.Context()
	for _, x := range []struct {
		want string
		call func() error
	}{
		{"Status", func() error { return second(c.Status(ctx, []string{"db", "@web"})) }},
		{"Show web@1", func() error { return second(c.Show(ctx, "web@1")) }},
		{"Explain db", func() error { return second(c.Explain(ctx, "db")) }},
		{"Act signal", func() error {
			return second(c.Act(ctx, Action{Verb: "signal", Signal: "HUP", Targets: []string{"db"}}, nil))
		}},
		{"Wait ready", func() error { return second(c.Wait(ctx, Wait{For: "ready", Targets: []string{"db"}}, nil)) }},
		{"MaintenanceStart a1", func() error {
			return second(c.MaintenanceStart(ctx, MaintenanceStart{Locks: []NewLock{{"a1", "--all"}}}, nil))
		}},
		{"MaintenanceEnd a1", func() error { return second(c.MaintenanceEnd(ctx, MaintenanceEnd{IDs: []string{"a1"}}, nil)) }},
		{"MaintenanceBreak a1", func() error {
			return second(c.MaintenanceBreak(ctx, MaintenanceBreak{ID: "a1", NewID: "b2", Reason: "r"}, nil))
		}},
		{"MaintenanceExtend a1", func() error {
			return second(c.MaintenanceExtend(ctx, MaintenanceExtend{IDs: []string{"a1"}, ForS: 1}))
		}},
		{"Locks [db]", func() error { return second(c.Locks(ctx, []string{"db"})) }},
		{"Locks [web]", func() error { return second(c.LocksText(ctx, []string{"web"})) }},
		{"Lock a1", func() error { return second(c.Lock(ctx, "a1")) }},
		{"LockLife a1", func() error { return second(c.LockLife(ctx, "a1")) }},
		{"MaintenanceCheck @web", func() error { return second(c.MaintenanceCheck(ctx, "@web")) }},
		{"Checks []", func() error { return second(c.Checks(ctx, nil)) }},
		{`RunCheck "" "rootfs"`, func() error { return second(c.RunCheck(ctx, "", "rootfs", nil)) }},
		{`RunCheck "db" "ping"`, func() error { return second(c.RunCheck(ctx, "db", "ping", nil)) }},
		{`CheckHistory "db" "ping" 3`, func() error { return second(c.CheckHistory(ctx, "db", "ping", 3)) }},
		{"Events", func() error { return second(c.Events(ctx, journal.Query{Service: "db", Type: "a*", Limit: 5})) }},
		{"Logs db", func() error { return second(c.Logs(ctx, LogQuery{Service: "db", Lines: 7, Since: time.Unix(9, 0)})) }},
		{"Config", func() error { return second(c.Config(ctx, "web")) }},
		{"ConfigDiff", func() error { return second(c.ConfigDiff(ctx)) }},
		{"Reload true", func() error { return second(c.Reload(ctx, Reload{Apply: true}, nil)) }},
		{"Upgrade", func() error { return second(c.Upgrade(ctx, nil)) }},
		{"Version", func() error { return second(c.Version(ctx)) }},
	} {
		if err := x.call(); err != nil {
			t.Errorf("%s: %v", x.want, err)
		}
		if made := f.made(); made[len(made)-1] != x.want {
			t.Errorf("called %q, want %q", made[len(made)-1], x.want)
		}
	}
	if f.query.Service != "db" || f.query.Type != "a*" || f.query.Limit != 5 {
		t.Errorf("query %+v", f.query)
	}
	if f.logs.Lines != 7 || !f.logs.Since.Equal(time.Unix(9, 0)) {
		t.Errorf("log query %+v", f.logs)
	}
}

func BenchmarkStatus(b *testing.B) {
	services := make([]ServiceStatus, 1000)
	var n atomic.Int64
	c, _ := served(b, &fake{status: func(context.Context, Peer, []string) (StatusReply, error) {
		n.Add(1)
		return StatusReply{Services: services}, nil
	}})
	for b.Loop() {
		if _, err := c.Status(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
