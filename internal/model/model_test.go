package model

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// text is a trace for a person to follow.
func text(broken string, trace []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, in %d steps:", broken, len(trace))
	for i, l := range trace {
		fmt.Fprintf(&b, "\n  %2d %s", i+1, l)
	}
	return b.String()
}

func explored(t *testing.T, r Run) Outcome {
	t.Helper()
	began := time.Now()
	o := r.Explore()
	t.Logf("%d states, %d steps, %d deep, %s", o.States, o.Edges, o.Depth, time.Since(began).Round(10*time.Millisecond))
	if !o.Complete {
		t.Errorf("not every state was visited")
	}
	return o
}

// MODEL=wide is what "make model" runs.
func TestProtocolAsBuiltKeepsItsPromises(t *testing.T) {
	for _, r := range AsBuilt(os.Getenv("MODEL") == "wide") {
		t.Run(r.Name, func(t *testing.T) {
			for broken, trace := range explored(t, r).Broken {
				t.Error(text(broken, trace))
			}
		})
	}
}

func TestMutantsAreFoundOut(t *testing.T) {
	for _, r := range Mutants() {
		t.Run(r.Name, func(t *testing.T) {
			o := explored(t, r)
			for broken, trace := range o.Broken {
				if strings.HasPrefix(broken, r.Broken) {
					t.Log(text(broken, trace))
					return
				}
			}
			t.Errorf("nothing that begins with %q is broken: %v", r.Broken, o.Broken)
		})
	}
}

func TestRulesThatOthersMakeRedundant(t *testing.T) {
	for why, r := range Redundant() {
		t.Run(why, func(t *testing.T) {
			for broken, trace := range explored(t, r).Broken {
				t.Error(text(broken, trace))
			}
		})
	}
}

// The checker itself: two counters that may deadlock, in so many states, with a shortest trace.
func TestCheckerFindsShortestTraces(t *testing.T) {
	type pair struct{ a, b int }
	o := explore(machine[pair]{
		begin: []pair{{}},
		next: func(p pair, to step[pair]) {
			if p.a < 3 {
				to("a", pair{p.a + 1, p.b}, "")
			}
			if p.b < 3 && p.a != 2 {
				to("b", pair{p.a, p.b + 1}, "")
			}
		},
		broken: func(p pair) string {
			if p.a == 1 && p.b == 2 {
				return "MET"
			}
			return ""
		},
		calm: func(p pair) bool { return p.b == 3 },
	})
	if len(o.Broken["MET"]) != 3 || o.States != 15 {
		t.Errorf("states %d, broken %v", o.States, o.Broken)
	}
	if _, ok := o.Broken[stuck]; ok {
		t.Error("stuck, although every state leads on")
	}
}
