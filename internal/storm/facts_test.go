package storm

import (
	"sync"
	"syscall"
)

// who is one process, for ever.
type who struct {
	pid  int
	fork moment
}

// life is what the storm saw of one process.
type life struct {
	note
	seen moment // alive for certain
	died moment // known to be dead; 0: not yet
}

// shot is a signal that the storm itself sent. It is noted before it is sent.
type shot struct {
	at  moment
	to  who
	sig syscall.Signal
}

// Verbs of calls, as far as the judge treats them differently.
const (
	doLock, doEnd, doBreak, doList      = "maintenance start", "maintenance end", "maintenance break", "maintenance list"
	doOffer, doAccept                   = "maintenance transfer", "maintenance accept"
	doStart, doStop, doRestart          = "start", "stop", "restart"
	doApply, doConfigure, doDisturb     = "reload --apply", "config changed", "supd disturbed"
	nobody                          int = -1
)

// call is one command of a person, or one thing that the storm did to supd.
type call struct {
	verb   string
	person int
	began  moment
	ended  moment // 0: not yet
	sure   bool   // it was neither killed nor cut short: code says what happened
	code   int

	targets  []string // as typed
	labels   []string // the services whose processes it may start or stop
	override bool
	start    bool // end --start
	leave    bool // end --leave-stopped
	bring    bool // lock --stop
	ids      []string
	locks    []lockFact // lock, break: those that stand after it; list: all
	parsed   bool       // its answer was one JSON document
	others   bool       // end: others still hold the targets
}

// lockFact is what an answer says of one lock.
type lockFact struct {
	id     string
	target string
	forMe  bool     // offered to the person who asks
	labels []string // covered, for certain
}

// facts is the record of a storm. The judge reads copies.
type facts struct {
	mu    sync.Mutex
	shots []shot
	calls []*call
	lives map[who]*life
	found []violation // what was seen at once
}

func newFacts() *facts { return &facts{lives: map[who]*life{}} }

// begin records a call before it is made.
func (f *facts) begin(c *call) *call {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.began = now()
	f.calls = append(f.calls, c)
	return c
}

// end records how a call ended; fill sets what came of it. Called once for each begin.
func (f *facts) end(c *call, fill func(c *call)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.ended = now()
	fill(c)
}

func (f *facts) violated(v violation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found = append(f.found, v)
}

// history is a copy of the facts, for the judge.
type history struct {
	shots []shot
	calls []call
	lives []life
	notes []note // the witnesses' own file
	until moment
}

func (f *facts) copy(notes []note, k *kernel) history {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := history{shots: append([]shot(nil), f.shots...), notes: notes, until: now()}
	for i := range notes {
		k.sharpen(&notes[i])
	}
	for _, c := range f.calls {
		h.calls = append(h.calls, *c)
	}
	for _, l := range f.lives {
		h.lives = append(h.lives, *l)
		k.sharpenLife(&h.lives[len(h.lives)-1])
	}
	return h
}
