package api

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/supd/supd/internal/journal"
)

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
