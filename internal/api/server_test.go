package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/supd/supd/internal/journal"
)

// clientEnv makes the test binary a client: it asks the socket for its version
// and prints the answer.
const (
	clientEnv = "SUPD_API_TEST_SOCKET"
	loginEnv  = "SUPD_API_TEST_LOGINUID"
)

func TestMain(m *testing.M) {
	socket := os.Getenv(clientEnv)
	if socket == "" {
		os.Exit(m.Run())
	}
	if login := os.Getenv(loginEnv); login != "" {
		if err := os.WriteFile("/proc/self/loginuid", []byte(login), 0); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	v, err := NewClient(socket).Version(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(CodeOf(err))
	}
	_ = json.NewEncoder(os.Stdout).Encode(v.You)
}

// askAs asks from a process of its own.
func askAs(t *testing.T, socket string, uid, gid uint32, groups []uint32, login string) You {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: starts a client as another user")
	}
	for dir := filepath.Dir(socket); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The binary's own directory is closed to others.
	f, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Env = append(os.Environ(), clientEnv+"="+socket, loginEnv+"="+login)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("client: %v: %s", err, out)
	}
	var you You
	if err := json.Unmarshal(out, &you); err != nil {
		t.Fatalf("client: %v: %s", err, out)
	}
	return you
}

func TestPeerIsWhoTheKernelSays(t *testing.T) {
	roles := Roles{Admins: []Grant{{Group: true, ID: 4242}}, Operators: []Grant{{ID: 4711}}}
	c, _ := served(t, &fake{}, func(s *Server) { s.o.Roles = func() Roles { return roles } })
	for _, x := range []struct {
		name     string
		uid, gid uint32
		groups   []uint32
		login    string
		want     You
	}{
		{"root", 0, 0, nil, "", You{Name: "root", Role: "admin"}},
		{"nobody", 65534, 65534, nil, "", You{Name: "nobody", UID: 65534, Role: "viewer"}},
		{"operator by uid", 4711, 1, nil, "", You{Name: "uid 4711", UID: 4711, Role: "operator"}},
		{"admin by primary group", 4712, 4242, nil, "", You{Name: "uid 4712", UID: 4712, Role: "admin"}},
		{"admin by supplementary group", 4712, 1, []uint32{7, 4242}, "", You{Name: "uid 4712", UID: 4712, Role: "admin"}},
		{"sudo does not hide who it is", 0, 0, nil, "4713", You{Name: "uid 4713", Role: "admin"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := askAs(t, c.Socket(), x.uid, x.gid, x.groups, x.login)
			if x.login != "" {
				if got.LoginUID == nil || strconv.Itoa(int(*got.LoginUID)) != x.login || got.Session == "" {
					t.Errorf("login %v, session %q", got.LoginUID, got.Session)
				}
				got.LoginUID, got.Session = nil, ""
			}
			if login, err := os.ReadFile("/proc/self/loginuid"); x.login == "" && (err != nil || string(login) != "4294967295") {
				x.want.LoginUID, x.want.Session = got.LoginUID, got.Session // the test itself belongs to a login
			}
			if got != x.want {
				t.Errorf("got %+v, want %+v", got, x.want)
			}
		})
	}
}

func TestLongCall(t *testing.T) {
	c, _ := served(t, &fake{act: func(_ context.Context, p Peer, a Action, progress Progress) (ActionReply, error) {
		progress("stopping db, pid 5")
		progress("starting db")
		return ActionReply{Code: CodeHeld, Results: []ActionResult{{Service: "db", Code: CodeHeld, Text: "held by " + p.Owner.Name}}}, nil
	}})
	var seen []string
	r, err := c.Act(t.Context(), Action{Verb: "restart", Targets: []string{"db"}}, func(s string) { seen = append(seen, s) })
	if err != nil || r.Code != CodeHeld || len(r.Results) != 1 || r.Results[0].Text == "held by " {
		t.Errorf("reply %+v, %v", r, err)
	}
	if !slices.Equal(seen, []string{"stopping db, pid 5", "starting db"}) {
		t.Errorf("progress: %q", seen)
	}
}

func TestLongCallIsAcceptedBeforeItIsDone(t *testing.T) {
	release := make(chan struct{})
	c, _ := served(t, &fake{act: func(ctx context.Context, _ Peer, _ Action, _ Progress) (ActionReply, error) {
		<-release
		return ActionReply{Code: 1}, nil
	}})
	conn, err := net.Dial("unix", c.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"verb":"start","targets":["db"]}`
	fmt.Fprintf(conn, "POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != `{"accepted":true}` {
		t.Fatalf("first line %q", lines.Text())
	}
	close(release)
	if !lines.Scan() || lines.Text() != `{"result":{"code":1,"results":[]}}` {
		t.Errorf("last line %q", lines.Text())
	}
	if ct := resp.Header.Get("Content-Type"); ct != "application/x-ndjson" {
		t.Errorf("content type %q", ct)
	}
}

func TestErrorsOfALongCall(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want Error
	}{
		{"with a code", Errorf(CodeVerify, "not well").WithNext("--force"), Error{CodeVerify, "not well", "--force"}},
		{"wrapped", fmt.Errorf("outer: %w", Errorf(CodeHeld, "held")), Error{CodeHeld, "held", ""}},
		{"any other", errors.New("odd"), Error{CodeFailed, "odd", ""}},
	} {
		cl, _ := served(t, &fake{act: func(context.Context, Peer, Action, Progress) (ActionReply, error) { return ActionReply{}, c.err }})
		_, err := cl.Act(t.Context(), Action{Verb: "start", Targets: []string{"db"}}, nil)
		var e *Error
		if !errors.As(err, &e) || *e != c.want {
			t.Errorf("%s: %+v", c.name, err)
		}
	}
}

func TestPanicEndsOneRequestOnly(t *testing.T) {
	f := &fake{
		act:    func(context.Context, Peer, Action, Progress) (ActionReply, error) { panic("oops") },
		status: func(context.Context, Peer, []string) (StatusReply, error) { panic("oops") },
	}
	c, _ := served(t, f)
	for what, err := range map[string]error{
		"long":   second(c.Act(t.Context(), Action{Verb: "start", Targets: []string{"db"}}, nil)),
		"single": second(c.Status(t.Context(), nil)),
	} {
		if CodeOf(err) != CodeFailed || !strings.Contains(err.Error(), "oops") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.Version(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A request that a hung daemon finds in its queue when its client has long
// given up must not be executed.
func TestF18RequestOfAClientThatIsGoneIsNotExecuted(t *testing.T) {
	l, socket := listening(t)
	for _, path := range []string{"/v1/actions", "/v1/maintenance/end"} {
		body := examples()["POST "+path]
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
		conn.Close()
	}
	f := &fake{}
	s := NewServer(ServerOptions{Backend: f, Roles: func() Roles { return Roles{} }})
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }() // it wakes up
	if _, err := NewClient(socket).Version(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil { // waits for all requests
		t.Fatal(err)
	}
	<-done
	if got := f.made(); !slices.Equal(got, []string{"Version"}) {
		t.Errorf("executed: %q", got)
	}
}

func TestClientThatGoesAwayEndsTheCall(t *testing.T) {
	ended := make(chan struct{})
	begun := make(chan struct{})
	c, _ := served(t, &fake{act: func(ctx context.Context, _ Peer, _ Action, _ Progress) (ActionReply, error) {
		close(begun)
		<-ctx.Done()
		close(ended)
		return ActionReply{}, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() { got <- second(c.Act(ctx, Action{Verb: "start", Targets: []string{"db"}}, nil)) }()
	<-begun
	cancel()
	<-ended
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("the client got %v", err)
	}
}

func TestFollow(t *testing.T) {
	release := make(chan struct{})
	over := make(chan struct{})
	f := &fake{follow: func(ctx context.Context, each func(journal.Event) error) error {
		defer close(over)
		if err := each(journal.Event{Seq: 1, Text: "one"}); err != nil {
			return err
		}
		<-release
		if err := each(journal.Event{Seq: 2, Text: "two"}); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}}
	c, _ := served(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	err := c.FollowEvents(ctx, journal.Query{}, func(e journal.Event) error {
		got = append(got, e.Text)
		if len(got) == 1 {
			close(release) // the first came before the second was there
		} else {
			cancel()
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("%q, %v", got, err)
	}
	<-over
	var lines []string
	if err := c.FollowLogs(t.Context(), LogQuery{Service: "db"}, func(l LogLine) error { lines = append(lines, l.Text); return nil }); !IsUnreachable(err) {
		t.Errorf("when the server ends a stream: %v", err)
	}
	if !slices.Equal(lines, []string{"line"}) {
		t.Errorf("%q", lines)
	}
}

func TestFollowEndsWithAnError(t *testing.T) {
	f := &fake{follow: func(context.Context, func(journal.Event) error) error { return Errorf(CodeNotFound, "no service") }}
	c, _ := served(t, f)
	if err := c.FollowEvents(t.Context(), journal.Query{}, nil); CodeOf(err) != CodeNotFound {
		t.Errorf("got %v", err)
	}
	mine := errors.New("mine")
	f.follow = func(ctx context.Context, each func(journal.Event) error) error { return each(journal.Event{}) }
	if err := c.FollowEvents(t.Context(), journal.Query{}, func(journal.Event) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
}

func TestShutdownEndsFollowersAndWaits(t *testing.T) {
	begun := make(chan struct{}, 2)
	f := &fake{
		follow: func(ctx context.Context, _ func(journal.Event) error) error {
			begun <- struct{}{}
			<-ctx.Done()
			return nil
		},
		act: func(ctx context.Context, _ Peer, _ Action, _ Progress) (ActionReply, error) {
			begun <- struct{}{}
			<-ctx.Done()
			return ActionReply{}, ctx.Err()
		},
	}
	c, s := served(t, f)
	silent, err := net.Dial("unix", c.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	follow, act := make(chan error, 1), make(chan error, 1)
	go func() { follow <- c.FollowEvents(t.Context(), journal.Query{}, nil) }()
	go func() { act <- second(c.Act(t.Context(), Action{Verb: "stop", Targets: []string{"db"}}, nil)) }()
	<-begun
	<-begun
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-follow; !IsUnreachable(err) {
		t.Errorf("the follower got %v", err)
	}
	if err := <-act; CodeOf(err) != CodeUnreachable || !strings.Contains(err.Error(), "supd is stopping") {
		t.Errorf("the waiting client got %v", err)
	}
	if _, err := os.Lstat(c.Socket()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

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
		{"Lock a1", func() error { return second(c.Lock(ctx, "a1")) }},
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
