package supervisor

import (
	"runtime/debug"
	heap "runtime/metrics"
	"time"
)

// slackMax is how much memory may lie about unused; giving back less is not worth a collection.
const slackMax = 4 << 20

// slackAfter is how long nothing has been done when memory is given back.
const slackAfter = 2 * time.Second

// slack gives back what a burst of work left: after the start of a thousand services two thirds of the heap are free, and
// the runtime would return them to the kernel only by and by, waking up for it. One timer, set when the last lane is left.
type slack struct{ timer *time.Timer }

// idle is told whenever nobody is in a lane any more. Called with the lanes locked.
func (s *slack) idle() {
	if s.timer == nil {
		s.timer = time.AfterFunc(slackAfter, giveBack)
		return
	}
	s.timer.Reset(slackAfter)
}

// giveBack collects and returns free memory to the kernel if there is enough of it. Then there was a burst, of which the
// program has pages left, too.
func giveBack() {
	var have [4]heap.Sample
	for i, class := range [...]string{"free", "unused", "objects"} {
		have[i].Name = "/memory/classes/heap/" + class + ":bytes"
	}
	have[3].Name = "/gc/heap/live:bytes"
	heap.Read(have[:])
	free, unused, objects, live := have[0].Value.Uint64(), have[1].Value.Uint64(), have[2].Value.Uint64(), have[3].Value.Uint64()
	if free+unused+max(objects, live)-live > slackMax { // what has died since the last collection counts, too
		debug.FreeOSMemory()
		giveBackProgram()
	}
}
