package sim

import "testing"

// Within so many schedules each deliberate fault must be found; that many
// schedules a single wall must stand alone.
const (
	faultSchedules = 40_000
	wallSchedules  = 5_000
)

// covered are faults that nothing comes of alone, because something else covers
// them; each is found together with that.
var covered = map[bug]bugSet{
	bugCoreClaimsClean:   set(bugCoreIgnoresHolds),                     // the core's own look at holds
	bugNoHoldsRead:       set(bugCoreIgnoresHolds, bugCoreClaimsClean), // that look, and the honest token
	bugHelperWithoutGate: set(bugRecordIgnored),                        // the in-flight record
}

// TestDeliberateFaults proves of each fault that the oracle finds it.
func TestDeliberateFaults(t *testing.T) {
	for b := noBug + 1; b < bugs; b++ {
		t.Run(bugNames[b], func(t *testing.T) {
			others, blind := covered[b]
			seed, found := hunt(set(b)|others, blind, faultSchedules)
			if found == "" {
				t.Fatalf("not found in %d schedules", faultSchedules)
			}
			t.Logf("seed %d: %s", seed, found)
		})
	}
}

// TestTwoWalls proves that core and gate each keep a lock alone: a core that does
// not look at holds is stopped by the gate, a gate that reads none is never asked
// by the core unless a lock comes in between, and both together fail.
func TestTwoWalls(t *testing.T) {
	if seed, found := hunt(set(bugCoreIgnoresHolds), true, wallSchedules); found != "" {
		t.Errorf("the gate let a lying core through, seed %d: %s", seed, found)
	}
	if seed, found := hunt(set(bugNoHoldsRead), true, wallSchedules); found != "" {
		t.Errorf("the core asked for what a hold forbids, seed %d: %s", seed, found)
	}
	for _, hole := range []bug{bugNoLocksRead, bugNoHoldsRead} {
		if _, found := hunt(set(bugCoreIgnoresHolds, bugCoreClaimsClean, hole), true, faultSchedules); found == "" {
			t.Errorf("%s and %s: not found", bugNames[bugCoreIgnoresHolds], bugNames[hole])
		}
	}
}

// hunt runs schedules until the oracle finds something. Blind, it judges effects
// on services only, not what the core asks for nor liveness.
func hunt(faults bugSet, blind bool, schedules uint64) (seed uint64, found string) {
	for seed := range schedules {
		w := newWorld(seed, faults)
		w.blind = blind
		if found, _ := w.live(); found != "" {
			return seed, found
		}
	}
	return 0, ""
}

func TestEveryFaultHasAName(t *testing.T) {
	for b := noBug + 1; b < bugs; b++ {
		if bugNames[b] == "" {
			t.Errorf("fault %d has no name", b)
		}
	}
}
