package model

import (
	"slices"
	"strings"
)

// step is told of each state that can follow. broken names the promise that the step itself breaks, "" for none: a step that
// breaks one is not continued. A label that begins with "!" is a fault, which progress never counts on.
type step[S comparable] func(label string, to S, broken string)

// machine is a model ready to be explored.
type machine[S comparable] struct {
	begin  []S
	next   func(S, step[S])
	broken func(S) string // the promise that a state breaks, "" for none
	calm   func(S) bool   // nobody waits for anything; nil: progress is not asked for
	until  string         // stop once a promise that begins with this is broken: a mutant is found out
}

// statesMax bounds one exploration: at about 150 bytes a state, below 8 GB.
const statesMax = 40_000_000

// Outcome is what an exploration found.
type Outcome struct {
	States, Edges, Depth int
	Complete             bool                // every reachable state was visited
	Broken               map[string][]string // broken promise -> a shortest trace to it
}

// stuck is the promise that nobody waits for ever: from every state, without a further fault, a calm one can be reached.
const stuck = "STUCK: somebody waits for ever"

// walk is one exploration under way.
type walk[S comparable] struct {
	m      machine[S]
	index  map[S]uint32
	states []S
	from   []uint32 // the state before, on a shortest way
	label  []uint16
	depth  []uint16
	names  map[string]uint16
	texts  []string
	back   [][2]uint32 // edges without a fault, for progress
	dead   map[uint32]bool
	enough bool
	out    Outcome
}

const noState = ^uint32(0)

// explore visits every state that m can reach.
func explore[S comparable](m machine[S]) Outcome {
	w := &walk[S]{m: m, index: map[S]uint32{}, names: map[string]uint16{}, dead: map[uint32]bool{}}
	w.out.Broken, w.out.Complete = map[string][]string{}, true
	for _, s := range m.begin {
		w.visit(noState, "", s)
	}
	for i := uint32(0); int(i) < len(w.states) && !w.enough; i++ {
		if len(w.states) > statesMax {
			w.out.Complete = false
			break
		}
		if w.dead[i] {
			continue
		}
		m.next(w.states[i], func(label string, to S, broken string) {
			w.out.Edges++
			if broken != "" {
				w.report(broken, i, label)
				return
			}
			j := w.visit(i, label, to)
			if m.calm != nil && !strings.HasPrefix(label, "!") {
				w.back = append(w.back, [2]uint32{i, j})
			}
		})
	}
	if m.calm != nil && w.out.Complete && !w.enough {
		w.progress()
	}
	w.out.States = len(w.states)
	return w.out
}

// visit returns the number of a state, which is new or known.
func (w *walk[S]) visit(from uint32, label string, s S) uint32 {
	if i, ok := w.index[s]; ok {
		return i
	}
	i := uint32(len(w.states))
	w.index[s] = i
	w.states = append(w.states, s)
	w.from = append(w.from, from)
	w.label = append(w.label, w.name(label))
	d := uint16(0)
	if from != noState {
		d = w.depth[from] + 1
	}
	w.depth = append(w.depth, d)
	w.out.Depth = max(w.out.Depth, int(d))
	if b := w.m.broken(s); b != "" {
		w.report(b, i, "")
		w.dead[i] = true // what follows a broken promise says nothing more
	}
	return i
}

func (w *walk[S]) name(label string) uint16 {
	n, ok := w.names[label]
	if !ok {
		n = uint16(len(w.texts))
		w.names[label] = n
		w.texts = append(w.texts, label)
	}
	return n
}

// report keeps the first trace to each broken promise: breadth first, so none is shorter.
func (w *walk[S]) report(broken string, at uint32, last string) {
	if _, known := w.out.Broken[broken]; known {
		return
	}
	w.enough = w.m.until != "" && strings.HasPrefix(broken, w.m.until)
	var trace []string
	if last != "" {
		trace = append(trace, last)
	}
	for i := at; w.from[i] != noState; i = w.from[i] {
		trace = append(trace, w.texts[w.label[i]])
	}
	slices.Reverse(trace)
	w.out.Broken[broken] = trace
}

// progress goes back from the calm states along edges that need no fault; what it does not meet is stuck.
func (w *walk[S]) progress() {
	first := make([]uint32, len(w.states)+1)
	for _, e := range w.back {
		first[e[1]+1]++
	}
	for i := 1; i < len(first); i++ {
		first[i] += first[i-1]
	}
	before, fill := make([]uint32, len(w.back)), slices.Clone(first)
	for _, e := range w.back {
		before[fill[e[1]]] = e[0]
		fill[e[1]]++
	}
	fine := make([]bool, len(w.states))
	var todo []uint32
	for i, s := range w.states {
		if w.m.calm(s) || w.dead[uint32(i)] {
			fine[i] = true
			todo = append(todo, uint32(i))
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range before[first[i]:first[i+1]] {
			if !fine[p] {
				fine[p] = true
				todo = append(todo, p)
			}
		}
	}
	for i := range w.states {
		if !fine[i] {
			w.report(stuck, uint32(i), "")
			return
		}
	}
}
