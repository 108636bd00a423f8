package checks

import (
	"cmp"
	"container/heap"
	"context"
	"time"
)

// job is a check under the scheduler. Everything but the Job, kind and check needs Scheduler.mu.
type job struct {
	Job
	kind  Kind
	check Check
	watch *watch
	last  Report
	late  uint64

	next    time.Time // when it is due; zero while it is not scheduled
	place   int       // in the heap, -1: not in it
	epoch   uint64    // of its evidence; a run of another epoch is not reported
	inLine  bool
	isDue   bool          // it stands in line because of its schedule
	asked   []chan Report // of those who wait for its next run
	gone    bool          // removed by Set
	leftOut bool          // not run at its last time because of a need

	current *run      // nil while it does not run
	since   time.Time // of current
	guard   time.Time // when current counts as hanging; zero when it does not run, or hangs already
}

// run is one look under way.
type run struct {
	job      *job
	epoch    uint64
	instance uint64
	isDue    bool
	asked    []chan Report
	cancel   context.CancelFunc
	hangs    bool // reported as such; what it will say is of no use
}

// comeback is a run that ended.
type comeback struct {
	run    *run
	result Result
	at     time.Time
}

// wakeAt is when the loop has to look at the job; zero for never.
func (j *job) wakeAt() time.Time {
	if j.next.IsZero() || !j.guard.IsZero() && j.guard.Before(j.next) {
		return j.guard
	}
	return j.next
}

// dueHeap has the job that is first to be looked at on top.
type dueHeap []*job

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(a, b int) bool { return h[a].wakeAt().Before(h[b].wakeAt()) }
func (h dueHeap) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].place, h[b].place = a, b
}

// Push is for container/heap.
func (h *dueHeap) Push(x any) {
	j := x.(*job)
	j.place = len(*h)
	*h = append(*h, j)
}

// Pop is for container/heap.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	j := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	j.place = -1
	return j
}

// placed puts a job whose times changed where it belongs, or takes it out.
func (h *dueHeap) placed(j *job) {
	switch at := j.wakeAt(); {
	case at.IsZero() && j.place >= 0:
		heap.Remove(h, j.place)
	case at.IsZero():
	case j.place < 0:
		heap.Push(h, j)
	default:
		heap.Fix(h, j.place)
	}
}

// compareKeys orders by service, the checks of their own first, then by name.
func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name))
}
