package sim

import (
	"slices"

	"github.com/supd/supd/supervisor/core"
)

// bug is a deliberate fault of core, gate or perform. Each must be found by the
// oracle, or the oracle is worth nothing.
type bug uint8

const (
	noBug bug = iota

	// The core: its events or actions are bent on their way.
	bugCoreIgnoresHolds
	bugCoreClaimsClean
	bugCoreTakesStopForCrash
	bugCoreOverlooksWorker
	bugCoreRestartsStopped
	bugCoreTakesAnyGeneration
	bugCoreNoSettle
	bugCoreActsWithoutLook
	bugCoreRepeatsSuppressed
	bugCoreSaysNothing
	bugCoreAnswersNobody
	bugCoreForgetsNeeds
	bugCoreForgetsTimer
	bugCoreHoldsNothing

	// The gate.
	bugNoLocksRead
	bugNoHoldsRead
	bugNoEpochCheck
	bugNoLook
	bugGarbageIsFree
	bugOverdueIsFree
	bugHostIsFree
	bugPresentMembersOnly
	bugLockDoesNotWait
	bugNoNewEpoch
	bugEpochAfterRemoval
	bugRecordIgnored
	bugAcceptWithGap
	bugGuardLooksFirst

	// perform.
	bugHelperWithoutGate
	bugHoldAfterEffect
	bugRestartUnderTwoPermits
	bugAutomaticAsOperator
	bugEpochReadLast
	bugAdoptByFileOnly
	bugSignalByPid
	bugNoWatcher
	bugResultLost
	bugs
)

// bugSet is any number of them at once.
type bugSet uint64

func set(bs ...bug) (s bugSet) {
	for _, b := range bs {
		s |= 1 << b
	}
	return s
}

func (w *world) has(b bug) bool { return w.bugs>>b&1 == 1 }

var bugNames = map[bug]string{
	bugCoreIgnoresHolds:       "core acts on a held service",
	bugCoreClaimsClean:        "core says it saw no hold",
	bugCoreTakesStopForCrash:  "core takes a deliberate stop for a crash",
	bugCoreOverlooksWorker:    "core repairs a crash while somebody works in the data",
	bugCoreRestartsStopped:    "core wants up what was stopped",
	bugCoreTakesAnyGeneration: "core takes exits of any generation",
	bugCoreNoSettle:           "core does not wait after a release",
	bugCoreActsWithoutLook:    "core acts on an exit without a look",
	bugCoreRepeatsSuppressed:  "core queues a suppressed action for the release",
	bugCoreSaysNothing:        "core does not say what was suppressed",
	bugCoreAnswersNobody:      "core forgets an answer",
	bugCoreForgetsNeeds:       "core starts without prerequisites",
	bugCoreForgetsTimer:       "core has no timer",
	bugCoreHoldsNothing:       "core does not write a hold",
	bugNoLocksRead:            "gate reads no locks",
	bugNoHoldsRead:            "gate reads no holds",
	bugNoEpochCheck:           "gate compares no epoch",
	bugNoLook:                 "gate does not look again",
	bugGarbageIsFree:          "gate takes garbage for free",
	bugOverdueIsFree:          "gate takes an overdue lock for free",
	bugHostIsFree:             "gate forgets host locks",
	bugPresentMembersOnly:     "gate forgets recorded members of a group",
	bugLockDoesNotWait:        "lock does not wait at the gates",
	bugNoNewEpoch:             "release makes no new epoch",
	bugEpochAfterRemoval:      "release makes the epoch after the removal",
	bugRecordIgnored:          "nobody reads the in-flight record",
	bugAcceptWithGap:          "accept removes the old lock before the new one is there",
	bugGuardLooksFirst:        "guard looks at the locks before it has the gate",
	bugHelperWithoutGate:      "helper does not keep the gate",
	bugHoldAfterEffect:        "stop writes its hold after the effect",
	bugRestartUnderTwoPermits: "restart opens the gate between stop and start",
	bugAutomaticAsOperator:    "automatic action is passed off as an operator's",
	bugEpochReadLast:          "observation reads the epoch last",
	bugAdoptByFileOnly:        "adoption trusts the file alone",
	bugSignalByPid:            "helper signals a pid, not a process",
	bugNoWatcher:              "nobody watches the lock files",
	bugResultLost:             "a result is lost",
}

// bend changes an event on its way into a faulty core.
func (w *world) bend(ev core.Event) core.Event {
	switch ev := ev.(type) {
	case core.Observed:
		switch {
		case w.has(bugCoreIgnoresHolds):
			ev.Holds, ev.Clean = nil, true
		case w.has(bugCoreNoSettle):
			ev.SettleUntil = 0
		}
		return ev
	case core.Exited:
		switch s := w.st.Services[ev.Service]; {
		case w.has(bugCoreOverlooksWorker):
			ev.Exit.AtWork = ""
		case w.has(bugCoreTakesStopForCrash) && !ev.Exit.BySupd:
			ev.Exit.Signal, ev.Exit.Code = 11, 0
		case w.has(bugCoreTakesAnyGeneration) && s != nil:
			ev.Gen = s.Gen
		}
		return ev
	case core.Configure:
		if w.has(bugCoreForgetsNeeds) {
			ev.Spec.DependsOn = nil
		}
		return ev
	case core.Tick:
		if w.has(bugCoreForgetsTimer) {
			return nil
		}
	}
	return ev
}

// bendActions changes what a faulty core answers, or its state.
func (w *world) bendActions(ev core.Event, acts []core.Action) []core.Action {
	if ob, ok := ev.(core.Observed); ok && w.has(bugCoreIgnoresHolds) && !w.has(bugCoreClaimsClean) {
		for i, a := range acts {
			if act, ok := a.(core.Act); ok && act.Automatic {
				act.Decision.Clean = ob.Clean // it acts, but its token is honest
				acts[i] = act
			}
		}
	}
	switch {
	case w.has(bugCoreRestartsStopped):
		if ex, ok := ev.(core.Exited); ok && w.st.Services[ex.Service] != nil {
			s := w.st.Services[ex.Service]
			s.Want, s.Stopped = core.WantUp, nil
			return drop(acts, func(a core.Action) bool { _, is := a.(core.AddHold); return is })
		}
	case w.has(bugCoreHoldsNothing):
		return drop(acts, func(a core.Action) bool { _, is := a.(core.AddHold); return is })
	case w.has(bugCoreSaysNothing):
		return drop(acts, func(a core.Action) bool { e, is := a.(core.Emit); return is && e.Type == core.EvSuppressed })
	case w.has(bugCoreAnswersNobody):
		return drop(acts, func(a core.Action) bool { r, is := a.(core.Reply); return is && !r.Progress && r.Code == core.CodeHeld })
	case w.has(bugCoreActsWithoutLook):
		if ex, ok := ev.(core.Exited); ok {
			if s := w.byName(ex.Service); s != nil && w.knew && w.st.Services[ex.Service].Want == core.WantUp {
				acts = append(acts, core.Act{ID: 1 << 40, Service: ex.Service, Verb: core.Start, Gen: ex.Gen + 1, Automatic: true,
					Decision: core.Decision{PlanGen: w.planGen, Epoch: s.epochS, Clean: true}})
			}
		}
	case w.has(bugCoreRepeatsSuppressed):
		return w.repeatSuppressed(ev, acts)
	}
	return acts
}

// repeatSuppressed keeps an act that the gate refused and gives it again, with a
// token that is good by then, when the holds have gone.
func (w *world) repeatSuppressed(ev core.Event, acts []core.Action) []core.Action {
	if r, ok := ev.(core.Result); ok && r.Outcome == core.ActSuppressed {
		w.kept = append(w.kept, r.Service)
	}
	h, ok := ev.(core.HoldsChanged)
	if i := slices.Index(w.kept, h.Service); ok && len(h.Holds) == 0 && i >= 0 {
		w.kept = slices.Delete(w.kept, i, i+1)
		if s := w.byName(h.Service); s != nil {
			acts = append(acts, core.Act{ID: 1 << 41, Service: h.Service, Verb: core.Start, Gen: s.maxGen + 1, Automatic: true,
				Decision: core.Decision{PlanGen: w.planGen, Epoch: s.epochS, Clean: true}})
		}
	}
	return acts
}

func drop(acts []core.Action, is func(core.Action) bool) []core.Action {
	return slices.DeleteFunc(acts, is)
}
