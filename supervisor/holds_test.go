package supervisor

import (
	"errors"
	"testing"
	"time"

	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

func TestHoldInMemoryCountsUntilItIsAFile(t *testing.T) {
	m := newMemory()
	m.add("db", core.HoldSpec{Kind: core.HoldOperatorStop, By: "anna"})
	m.interlock("db", "disk", true, "errors increased")
	if hs := m.of("db"); len(hs) != 2 {
		t.Fatalf("the gate is told of %d holds, want 2: %v", len(hs), hs)
	}
	if hs := m.unsavedOf("db"); len(hs) != 1 || hs[0].By != "anna" {
		t.Errorf("unsaved = %v; the core keeps interlocks itself", hs)
	}
	m.saved("db", core.HoldRestartLimit)
	if len(m.of("db")) != 2 {
		t.Error("the wrong kind was forgotten")
	}
	m.saved("db", core.HoldOperatorStop)
	m.interlock("db", "disk", false, "")
	if hs := m.of("db"); len(hs) != 0 {
		t.Errorf("left over: %v", hs)
	}
	if hs := m.of("web"); hs != nil {
		t.Errorf("a service without holds: %v", hs)
	}
}

// An action that clears holds must wait for every hold that the core asked for before it, in whatever order the disk
// answers.
func TestHoldSavedWaitsForAllThatWereAskedFor(t *testing.T) {
	s := &Supervisor{services: registry{all: map[string]*service{"db": {name: "db"}}}}
	svc := s.services.get("db")
	svc.holdSaved(func() {}) // none asked for: no wait
	first, second := s.holdBegins("db"), s.holdBegins("db")
	waited := make(chan struct{})
	go func() { svc.holdSaved(func() {}); close(waited) }()
	close(second)
	select {
	case <-waited:
		t.Fatal("did not wait for the first")
	case <-time.After(50 * time.Millisecond): // a wait that must not end has no event to wait for
	}
	close(first)
	<-waited
}

func TestCoreHoldsKeepsWhoAndWhy(t *testing.T) {
	at := time.Unix(1700000000, 0)
	hs := coreHolds(lockfile.Cover{
		Locks:      []lockfile.Lock{{ID: "l1", Owner: lockfile.Owner{Name: "anna", TTY: "pts/1"}, Reason: "disk", TakenAt: at}},
		Holds:      []lockfile.Hold{{ID: "h1", Kind: lockfile.HoldOperatorStop, By: "bert", Since: at}},
		Unreadable: []lockfile.Unreadable{{Path: "/s/locks/service/db/x.toml", Err: errors.New("garbage")}},
	}, []lockfile.Hold{{Kind: lockfile.HoldRestartLimit, By: "supd"}})
	want := []core.HoldKind{core.HoldLock, core.HoldOperatorStop, core.HoldRestartLimit, core.HoldUnreadable}
	if len(hs) != len(want) {
		t.Fatalf("%d holds, want %d: %v", len(hs), len(want), hs)
	}
	for i, k := range want {
		if hs[i].Kind != k {
			t.Errorf("hold %d is %s, want %s", i, hs[i].Kind, k)
		}
	}
	if hs[0].LockID != "l1" || hs[0].Reason != "disk" || hs[0].Since != at.UnixNano() {
		t.Errorf("lock = %+v", hs[0])
	}
	if hs[3].Reason != "/s/locks/service/db/x.toml: garbage" {
		t.Errorf("unreadable does not name its file: %+v", hs[3])
	}
}
