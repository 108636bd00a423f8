package model

// Mutants are the models with one rule taken away, each of which must be found out.
func Mutants() []Run {
	action := func(name, broken string, without func(*actionRules)) Run {
		r := actionAsBuilt()
		without(&r)
		return Run{"action: " + name, broken, func() Outcome {
			return exploreAction(r, actionFaults{supd: 1, helper: 1, power: 1, crash: 1, people: 1}, broken == stuck, broken)
		}}
	}
	files := func(name, broken string, s fileScene, without func(*fileRules)) Run {
		r := filesAsBuilt()
		without(&r)
		return Run{"files: " + name, broken, func() Outcome { return exploreFiles(r, s, false, broken) }}
	}
	epoch := func(name, broken string, without func(*epochRules)) Run {
		r := epochAsBuilt()
		without(&r)
		return Run{"epoch: " + name, broken, func() Outcome { return exploreEpoch(r, 1, broken) }}
	}
	power := fileScene{second: 1, power: 1, kill: 1}
	breaks := fileScene{breaker: 1, power: 1, kill: 1}
	late := fileScene{late: 2, power: 1, supd: 1}
	undo := fileScene{second: 1, undo: 1}
	heir := fileScene{offers: 3, heir: 1, power: 1, kill: 1}
	lateHeir := fileScene{offers: 3, late: 1, heir: 1, supd: 1}
	return []Run{
		action("the record comes after the effect", "L1", func(r *actionRules) { r.recordFirst = false }),
		action("a record in two writes", stuck, func(r *actionRules) { r.oneWrite = false }),
		action("a record in two sectors", stuck, func(r *actionRules) { r.oneSector = false }),
		action("an action that is dropped blanks the record", "TOLD", func(r *actionRules) { r.ownOnly = false }),
		action("a signalled target is nobody's", "L1", func(r *actionRules) { r.waitForTarget = false }),
		action("the record knows the main process only", "L1", func(r *actionRules) { r.waitForTree = false }),
		action("the helper unlocks", "L1", func(r *actionRules) { r.helperExits = false }),
		action("nobody finishes the stop of the dead", stuck, func(r *actionRules) { r.finish = false }),
		action("holds are cleared beside a living record", "HOLD", func(r *actionRules) { r.clearAsks = false }),
		action("holds are cleared though it is down again", "HOLD", func(r *actionRules) { r.clearLooks = false }),
		action("a stop that gave up blanks its record", "L1", func(r *actionRules) { r.keepAlive = false }),
		action("the operator stop is written after the signal", "HOLD", func(r *actionRules) { r.holdFirst = false }),

		files("no copies", "L1", power, func(r *fileRules) { r.copies = false }),
		files("copies outlive the end", "GHOST", fileScene{kill: 1, late: 1, supd: 1}, func(r *fileRules) { r.voidCopies = false }),
		files("ends and breaks without gates", "GAP", breaks, func(r *fileRules) { r.gates = false }),
		files("copies are not fsynced", "L2", power, func(r *fileRules) { r.syncCopies = false }),
		files("ended/ is not fsynced", "GHOST", power, func(r *fileRules) { r.syncEnded = false }),
		files("nobody looks whether the lock still stands", "L2", breaks, func(r *fileRules) { r.stillMine = false }),
		files("an end leans on what is not on the disk", "L6", power, func(r *fileRules) { r.lean = false }),
		files("an id that has ended may start again", "GHOST", late, func(r *fileRules) { r.endedBefore, r.endedAfter, r.voidCopies = false, false, false }),
		files("a lock is taken back that somebody leaned on", "L6", undo, func(r *fileRules) { r.undoAsks = false }),
		files("a break removes first", "GAP", breaks, func(r *fileRules) { r.successor = false }),

		files("an accept asks for the offer before the gates only", "HEIR", heir, func(r *fileRules) { r.offerAsked = false }),
		files("a late transfer does not say what it has seen", "HEIR", lateHeir, func(r *fileRules) { r.offerCount = false }),
		files("a withdrawn offer is not on the disk", "HEIR", heir, func(r *fileRules) { r.offerSync = false }),
		files("an accept removes first", "GAP", heir, func(r *fileRules) { r.successor = false }),
		files("transfer and accept without gates", "GAP", heir, func(r *fileRules) { r.gates = false }),

		epoch("locks are read before the epoch", "L6", func(r *epochRules) { r.epochFirst = false }),
		epoch("the lock goes before the epoch", "L6", func(r *epochRules) { r.newFirst = false }),
		epoch("the gate does not ask for the epoch", "L6", func(r *epochRules) { r.epochAsked = false }),
		epoch("the gate does not ask what it was made under", "L6", func(r *epochRules) { r.cleanAsked = false }),
		epoch("a cleared hold ends the time to settle", "SETTLE", func(r *epochRules) { r.carryOne = false }),
		epoch("an undo of several ends the time to settle", "SETTLE", func(r *epochRules) { r.carryMany = false }),
		epoch("every new epoch makes a time to settle", "DELAY", func(r *epochRules) { r.onlyMarked = false }),
	}
}

// Redundant are mutants that break no promise in these models, with why the rule is kept.
func Redundant() map[string]Run {
	one := func(without func(*fileRules), s fileScene) Run {
		r := filesAsBuilt()
		without(&r)
		return Run{"", "", func() Outcome { return exploreFiles(r, s, false, "") }}
	}
	late := fileScene{late: 2, power: 1, supd: 1}
	boots := actionAsBuilt()
	boots.otherBootsDead = false
	return map[string]Run{
		"a late start looks once before it makes its file: the look after it and the tombstone suffice; an early answer is kinder": one(
			func(r *fileRules) { r.endedBefore = false }, late),
		"a late start does not look again after it made its file: the tombstone voids the file; this removes it": one(
			func(r *fileRules) { r.endedAfter = false }, late),
		"records of other boots: no pid is used again in the model; on a machine it is": {"", "",
			func() Outcome {
				return exploreAction(boots, actionFaults{supd: 1, helper: 1, power: 1, crash: 1, people: 1}, false, "")
			}},
	}
}
