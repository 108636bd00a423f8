package model

// Run is one exploration with what is expected of it.
type Run struct {
	Name    string
	Broken  string // the beginning of the promise that a mutant breaks; "": all are kept
	Explore func() Outcome
}

// AsBuilt are the models of what is built, all of which must be clean. wide has more faults, and takes minutes.
func AsBuilt(wide bool) []Run {
	faults := actionFaults{supd: 2, helper: 1, power: 1, crash: 1, people: 1}
	power, kill, supd, kills := uint8(1), uint8(1), uint8(1), uint8(1)
	if wide {
		faults = actionFaults{supd: 2, helper: 2, power: 1, crash: 2, people: 2}
		power, kill, supd, kills = 2, 2, 2, 3
	}
	action := Run{"action, with progress", "", func() Outcome { return exploreAction(actionAsBuilt(), faults, true, "") }}
	files := func(name string, s fileScene) Run {
		return Run{"files: " + name + ", with progress", "", func() Outcome { return exploreFiles(filesAsBuilt(), s, true, "") }}
	}
	runs := []Run{
		action,
		files("two people, power, kills", fileScene{second: 1, power: power, kill: kill, supd: supd}),
		files("break, power, kills", fileScene{breaker: 1, power: power, kill: kill}),
		files("late requests, power, kills", fileScene{late: 2, power: power, supd: supd}),
		files("late requests and break", fileScene{late: 2, breaker: 1, supd: supd}),
		files("transfer and accept, power, kills", fileScene{offers: 3, heir: 1, power: power, kill: kill}),
		files("transfer and accept, two people", fileScene{second: 1, offers: 1, heir: 1, kill: 1}),
		files("late transfer and accept, power, kills", fileScene{offers: 3, late: 1, heir: 1, power: power, supd: supd}),
		files("rewrite and break, power, kills", fileScene{breaker: 1, rewrite: 1, power: power, kill: kill}),
		files("two people, undo, power, kills", fileScene{second: 1, undo: 1, power: power, kill: kill}),
		{"epoch", "", func() Outcome { return exploreEpoch(epochAsBuilt(), kills, "") }},
	}
	if wide {
		runs = append(runs, files("two people, break, undo, rewrite, power, kill", fileScene{second: 1, breaker: 1, undo: 1, rewrite: 1, power: 1, kill: 1, supd: 1}))
	}
	return runs
}
