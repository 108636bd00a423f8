package journal

// ring holds the newest events in the order of their numbers. It grows up to
// max and then overwrites the oldest.
type ring struct {
	max   int
	first int // index of the oldest, once full
	buf   []Event
}

// push adds e; the event that had to go comes back.
func (r *ring) push(e Event) (gone Event, full bool) {
	if len(r.buf) < r.max {
		r.buf = append(r.buf, e)
		return Event{}, false
	}
	gone = r.buf[r.first]
	r.buf[r.first] = e
	r.first = (r.first + 1) % r.max
	return gone, true
}

// at is the i-th event, 0 being the oldest.
func (r *ring) at(i int) *Event { return &r.buf[(r.first+i)%len(r.buf)] }

// after is the place of the first event with a number above seq.
func (r *ring) after(seq uint64) int {
	low, high := 0, len(r.buf)
	for low < high {
		if mid := (low + high) / 2; r.at(mid).Seq > seq {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// each calls f for the events after seq, oldest first, until it returns false.
func (r *ring) each(seq uint64, f func(e *Event) bool) {
	for i := r.after(seq); i < len(r.buf) && f(r.at(i)); i++ {
	}
}

// count is how many events there are after seq.
func (r *ring) count(seq uint64) int { return len(r.buf) - r.after(seq) }

// oldest is the number of the oldest event, 0 if there is none.
func (r *ring) oldest() uint64 {
	if len(r.buf) == 0 {
		return 0
	}
	return r.at(0).Seq
}
