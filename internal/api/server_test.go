package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

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
		{"with a code", Errorf(CodeVerify, "not well").WithNext("--force"), Error{Code: CodeVerify, Message: "not well", Next: "--force"}},
		{"wrapped", fmt.Errorf("outer: %w", Errorf(CodeHeld, "held")), Error{Code: CodeHeld, Message: "held"}},
		{"any other", errors.New("odd"), Error{Code: CodeFailed, Message: "odd"}},
	} {
		cl, _ := served(t, &fake{act: func(context.Context, Peer, Action, Progress) (ActionReply, error) { return ActionReply{}, c.err }})
		_, err := cl.Act(t.Context(), Action{Verb: "start", Targets: []string{"db"}}, nil)
		var e *Error
		if !errors.As(err, &e) || !reflect.DeepEqual(*e, c.want) {
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
