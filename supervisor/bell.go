package supervisor

import "sync"

// bell wakes those who wait for something to change. Without anybody waiting, ringing costs a lock and nothing wakes up.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // nil: nobody waits
}

// wait gives a channel that closes at the next ring. It has to be asked for before the look that it follows, or a change
// in between would be missed.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
