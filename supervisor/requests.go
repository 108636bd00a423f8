package supervisor

import (
	"context"
	"slices"
	"sync"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/lockfile"
	"github.com/supd/supd/supervisor/core"
)

// requests are operators' wishes that the core has not answered yet.
type requests struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]*request
}

type request struct {
	owner    lockfile.Owner
	answer   chan core.Reply // capacity one: the final reply
	progress api.Progress
	left     bool // nobody waits for the answer any longer; under requests.mu
}

func newRequests() *requests { return &requests{open: map[uint64]*request{}} }

// begin registers a wish of owner and gives its id.
func (r *requests) begin(owner lockfile.Owner, progress api.Progress) (uint64, *request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	q := &request{owner: owner, answer: make(chan core.Reply, 1), progress: progress}
	r.open[r.last] = q
	return r.last, q
}

// reply hands the core's answer to whoever waits. Called by the loop; never blocks on the final one, and progress goes
// to the client through its own goroutine.
func (r *requests) reply(a core.Reply) {
	r.mu.Lock()
	q := r.open[a.Request]
	if q != nil && !a.Progress {
		delete(r.open, a.Request)
	}
	r.mu.Unlock()
	switch {
	case q == nil:
	case !a.Progress:
		q.answer <- a
	case q.progress != nil:
		go q.progress(a.Text)
	}
}

// drop forgets a cancelled wish. Called by the loop, after the core has taken the cancellation.
func (r *requests) drop(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, id)
}

// leave notes that nobody waits for a wish any longer; the core hears of it later.
func (r *requests) leave(q *request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.left = true
}

// anyWaits says whether somebody still waits for one of the wishes.
func (r *requests) anyWaits(ids []uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(ids, func(id uint64) bool { return r.open[id] != nil && !r.open[id].left })
}

// actor is on whose behalf an action is taken: the first of its requests' owners. Called by the loop, before it can take
// a cancellation.
func (r *requests) actor(ids []uint64) lockfile.Owner {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if q := r.open[id]; q != nil {
			return q.owner
		}
	}
	return lockfile.Owner{LoginUID: lockfile.NoLogin, UID: -1, Name: "supd"}
}

// makeWish gives the core the request under a new id; whoever asks the loop afterwards finds it there.
func (s *Supervisor) makeWish(owner lockfile.Owner, r *core.Request, progress api.Progress) *request {
	id, q := s.requests.begin(owner, progress)
	r.ID = id
	s.send(*r)
	return q
}

// wished waits for the answer to a request that was made. When ctx ends first the wish is cancelled: what has begun goes on,
// what has not is dropped.
func (s *Supervisor) wished(ctx context.Context, r core.Request, q *request) (core.Reply, error) {
	select {
	case a := <-q.answer:
		return a, nil
	case <-ctx.Done():
		s.requests.leave(q)
		s.send(core.CancelRequest{ID: r.ID})
		return core.Reply{}, ctx.Err()
	case <-s.done:
		return core.Reply{}, api.Errorf(api.CodeFailed, "cannot %s %q: supd is ending", r.Verb, r.Service)
	}
}
