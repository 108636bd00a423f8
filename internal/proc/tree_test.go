package proc

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	line := func(name string) string {
		s := "42 (" + name + ") S 7 41 40 0 -1 4194304 1 2 3 4 11 12 5 6 20 0 3 0 987654 1048576 25 18446744073709551615"
		for field := 26; field <= 51; field++ {
			s += " 0"
		}
		return s + " 256\n"
	}
	for _, name := range []string{"sh", "a b", ") S 1", "((", "x)"} {
		var s Stat
		if err := s.parse([]byte(line(name)), true); err != nil {
			t.Fatal(err)
		}
		want := Stat{PID: 42, Comm: name, State: 'S', PPID: 7, PGRP: 41, Session: 40, UTime: 11, STime: 12, Threads: 3,
			StartTime: 987654, RSS: 25 * uint64(os.Getpagesize()), WaitCode: 256, flags: 4194304}
		if s != want {
			t.Errorf("%q: got %+v, want %+v", name, s, want)
		}
	}
	for _, bad := range []string{"", "42", "42 (sh", "42 (sh)", "42 sh) S"} {
		var s Stat
		if s.parse([]byte(bad), true) == nil {
			t.Errorf("%q was taken for a stat line", bad)
		}
	}
}

func TestSampler(t *testing.T) {
	table := newTable(t)
	k := shell(t, table, "echo; read x")
	k.heard(t) // its memory is its own by now
	s, err := NewSampler(k.Identity())
	must(t, err)
	defer s.Close()
	got, err := s.Sample()
	must(t, err)
	if got.PID != k.PID() || got.PPID != os.Getpid() || got.RSS == 0 || got.Threads != 1 || got.StartTime != k.Identity().StartTime {
		t.Errorf("sample %+v", got)
	}
	if n := testing.AllocsPerRun(100, func() { s.Sample() }); n != 0 {
		t.Errorf("%v allocations for a sample", n)
	}
	wrong := k.Identity()
	wrong.StartTime++
	if _, err := NewSampler(wrong); !errors.Is(err, ErrNotSame) {
		t.Errorf("sampler of another identity: %v", err)
	}
	k.in.Close()
	ended(t, k.Process)
	if _, err := s.Sample(); !errors.Is(err, ErrGone) {
		t.Errorf("sample of the dead: %v", err)
	}
	if _, err := NewSampler(k.Identity()); !errors.Is(err, ErrGone) {
		t.Errorf("sampler of the dead: %v", err)
	}
}

func TestTree(t *testing.T) {
	table := newTable(t)
	k := shell(t, table, `sh -c 'echo $$; read y; :' & read x`)
	pid, err := strconv.Atoi(k.heard(t))
	must(t, err)
	tree, err := Tree(k.PID())
	must(t, err)
	var pids []int
	for _, s := range tree {
		pids = append(pids, s.PID)
	}
	if len(pids) < 2 || pids[0] != k.PID() || !slices.Contains(pids, pid) {
		t.Errorf("tree of %d: %v, want %d in it", k.PID(), pids, pid)
	}
}

func mark(service string, gen uint64) Mark { return Mark{Daemon: "test", Service: service, Gen: gen} }

func marked(m Mark) func(*Attr) {
	return func(a *Attr) { a.Env = append(a.Env, m.Environ()...) }
}

// Without a cgroup a grandchild in its own session, whose parents are gone, is found by
// the mark in its environment.
func TestMembersFindDoubleForked(t *testing.T) {
	table := newTable(t)
	k := shell(t, table, doubleFork, marked(mark("members-test", 3)))
	// The same service and generation of another supd.
	other := shell(t, table, "read x", marked(Mark{Daemon: "test-2", Service: "members-test", Gen: 3}))
	pid, err := strconv.Atoi(k.heard(t))
	must(t, err)
	check := func(what string, ids []Identity, err error, want ...int) {
		t.Helper()
		must(t, err)
		if got := slices.Sorted(slices.Values(pids(ids))); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: %v, want %v (other service: %d)", what, got, want, other.PID())
		}
	}
	ids, err := FindMarked(mark("members-test", 0))
	check("FindMarked", ids, err, k.PID(), pid)
	if ids[0].PID != k.PID() {
		t.Errorf("the oldest is %d, want %d", ids[0].PID, k.PID())
	}
	ids, err = FindMarked(mark("members-test", 4))
	check("FindMarked of another generation", ids, err)
	ids, err = Members(mark("members-test", 3), k.Identity())
	check("Members", ids, err, k.PID(), pid)
	k.in.Close()
	ended(t, k.Process)
	ids, err = Members(mark("members-test", 3), k.Identity())
	check("Members after the main process", ids, err, pid)
	must(t, SignalIdentity(ids[0], unix.SIGKILL))
	eventually(t, "grandchild dead", func() bool { lives, _ := ids[0].Lives(); return !lives })
}

// A process that is just executing another program has no environment that could be
// read, and is a member all the same.
func TestFindMarkedInTheMiddleOfExec(t *testing.T) {
	table := newTable(t)
	script := filepath.Join(t.TempDir(), "again")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\nexec \"$0\"\n"), 0o755))
	k := shell(t, table, "exec "+script, marked(mark("exec-test", 1)))
	for range 3000 {
		env, err := environ(k.PID())
		must(t, err)
		if !hasVar(env, EnvService, "exec-test") {
			t.Fatalf("no mark in the environment %q", env)
		}
	}
}

// A background job in the same session needs no mark: it may have cleared its
// environment.
func TestMembersFindSession(t *testing.T) {
	table := newTable(t)
	k := shell(t, table, `env -i sh -c 'echo $$; exec sleep 1000' & read x`, marked(mark("session-test", 1)))
	pid, err := strconv.Atoi(k.heard(t))
	must(t, err)
	k.in.Close()
	ended(t, k.Process)
	ids, err := Members(mark("session-test", 1), k.Identity())
	must(t, err)
	if !slices.Equal(pids(ids), []int{pid}) {
		t.Errorf("members %v, want %d", ids, pid)
	}
	if len(ids) > 0 {
		must(t, SignalIdentity(ids[0], unix.SIGKILL))
	}
}

// A pid that came back as somebody else's leads nobody to the slaughter.
func TestMembersOfARecycledPid(t *testing.T) {
	table := newTable(t)
	k := shell(t, table, "read x")
	old := k.Identity()
	old.StartTime--
	ids, err := Members(mark("nobody", 1), old)
	must(t, err)
	if len(ids) != 0 {
		t.Errorf("members of a process that is no more: %v", ids)
	}
}

func pids(ids []Identity) []int {
	var n []int
	for _, id := range ids {
		n = append(n, id.PID)
	}
	return n
}
