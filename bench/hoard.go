package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/supd/supd/lockfile"
)

const (
	hoardServices = 1000
	hoardEach     = 10 // locks on each service
	hoardPasses   = 2000
	hoardLists    = 20
)

// hoard measures with 10,000 locks on one host: what the gate reads for one action, of a service that no lock covers and of one that ten
// do, and supctl maintenance list through supd.
func hoard(s *settings) ([]row, error) {
	d, err := prepare(s, idle, hoardServices)
	if err != nil {
		return nil, err
	}
	state := filepath.Join(d.dir, "state")
	if err := lockfile.Init(state, true); err != nil {
		return nil, err
	}
	dir, err := lockfile.Open(state, lockfile.Options{})
	if err != nil {
		return nil, err
	}
	if err := dir.EnsureService("free"); err != nil {
		return nil, err
	}
	empty, err := passes(dir, "free")
	if err != nil {
		return nil, err
	}
	if err := fillLocks(dir); err != nil {
		return nil, err
	}
	free, err := passes(dir, "free")
	if err != nil {
		return nil, err
	}
	held, err := passes(dir, "s7")
	if err != nil {
		return nil, err
	}
	if err := d.start(); err != nil {
		return nil, err
	}
	if err := d.answers(); err != nil {
		return nil, err
	}
	var lists, bare, asked []time.Duration
	for range hoardLists {
		a, err := timed(d.askLocks)
		if err != nil {
			return nil, err
		}
		asked = append(asked, a)
		b, err := timed(func() error { return d.supctl("version") })
		if err != nil {
			return nil, err
		}
		l, err := timed(func() error { return d.supctl("maintenance", "list", "-o", "json") })
		if err != nil {
			return nil, err
		}
		lists, bare = append(lists, l), append(bare, b)
	}
	if err := d.stop(); err != nil {
		return nil, err
	}
	locks := fmt.Sprintf("%d locks: ", hoardServices*hoardEach)
	l, a := spreadOf(lists), spreadOf(asked)
	return []row{
		{locks + "look and gate pass of a free service", free.String(), empty.String() + " (no lock)", "p50 × " + ratio(free.at(.5), empty.at(.5)), "≤ 0.20 ms"},
		{locks + "look and refusal under ten of them", held.String(), empty.String() + " (no lock)", "p50 × " + ratio(held.at(.5), empty.at(.5)), "≤ 0.20 ms"},
		{locks + "the list from supd, asked and read", a.String(), "", "", "≤ 200 ms"},
		{locks + "maintenance list through supd, whole process", l.String(), spreadOf(bare).String() + " (version)", "", "≤ 200 ms"},
	}, d.close()
}

// idle is supd with services that nobody starts.
var idle = subject{name: "supd", gentle: true, command: func(s *settings, dir string, b *births, n int) (argv, env []string, err error) {
	argv, env, err = ownCommand(s, dir, b, n)
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(dir, "supd.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	return argv, env, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "log = \"none\"", "log = \"none\"\nautostart = false")), 0o600)
}}

// answerWait bounds the start of a supd that has everything to read.
const answerWait = 60 * time.Second

// answers waits until supd does.
func (r *running) answers() error {
	for until := time.Now().Add(answerWait); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("unix", filepath.Join(runDir(r.dir), "supd.sock"))
		if err == nil {
			return c.Close()
		}
		if time.Now().After(until) {
			return err
		}
	}
}

// askLocks is the request of maintenance list, without a program around it.
func (r *running) askLocks() error {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(runDir(r.dir), "supd.sock"))
	}}}
	reply, err := c.Get("http://supd/v1/maintenance/locks")
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	n, err := io.Copy(io.Discard, reply.Body)
	if err == nil && n < hoardServices*hoardEach {
		err = fmt.Errorf("%d bytes are no list of %d locks", n, hoardServices*hoardEach)
	}
	return err
}

// passes times looks with the gate pass that follows, one after the other: everything that an action costs before its effect.
func passes(dir *lockfile.Dir, service string) (spread, error) {
	var took []time.Duration
	for range hoardPasses {
		t, err := timed(func() error {
			o := dir.Observe(service)
			err := dir.Do(context.Background(), lockfile.Request{
				Services: []string{service}, Verb: lockfile.VerbSignal, Automatic: true,
				Decisions: map[string]lockfile.Decision{service: {PlanGen: o.PlanGen, Epoch: o.Epoch.Token, Clean: o.Cover.Clean()}},
			}, func(*lockfile.Permit) error { return nil })
			var held *lockfile.HeldError
			if errors.As(err, &held) {
				return nil
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		took = append(took, t)
	}
	return spreadOf(took), nil
}

// fillLocks takes one lock in earnest and writes the others after it, without the fsyncs.
func fillLocks(dir *lockfile.Dir) error {
	owner := lockfile.Owner{Name: "bench", UID: 1, LoginUID: 1, Session: "1"}
	first := lockfile.ServiceTarget("s0")
	id := lockfile.NewIDFor(first)
	if _, err := dir.Lock(context.Background(), lockfile.LockRequest{IDs: []string{id}, Targets: []lockfile.Target{first}, Owner: owner, Reason: "a bench"}); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir.Path(), "locks/service/s0", id+".toml"))
	if err != nil {
		return err
	}
	for i := range hoardServices {
		t := lockfile.ServiceTarget(fmt.Sprintf("s%d", i))
		place := filepath.Join(dir.Path(), "locks/service", t.Name)
		if err := os.MkdirAll(place, 0o755); err != nil {
			return err
		}
		for n := range hoardEach {
			if i == 0 && n == 0 {
				continue
			}
			other := lockfile.NewIDFor(t)
			body := strings.NewReplacer(id, other, `"s0"`, fmt.Sprintf("%q", t.Name), "members.s0", "members."+t.Name, `session = "1"`, fmt.Sprintf("session = \"%d\"", n)).Replace(string(text))
			if err := os.WriteFile(filepath.Join(place, other+".toml"), []byte(body), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
