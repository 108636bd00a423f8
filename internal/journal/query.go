package journal

import (
	"context"
	"slices"
)

// Events answers a query, oldest first. It sees everything appended before the
// call, saved or not. An error means that the database broke during the read;
// the events known in memory come with it.
func (j *Journal) Events(ctx context.Context, q Query) ([]Event, error) {
	list, _, err := j.events(ctx, q)
	return list, err
}

// events also tells the number of the newest event that was looked at.
func (j *Journal) events(ctx context.Context, q Query) ([]Event, uint64, error) {
	select {
	case <-j.ready:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	limit := q.limit()
	j.mu.Lock()
	store, upTo, before := j.store, j.seq, j.ring.oldest()
	var list []Event
	j.ring.each(0, func(e *Event) bool {
		if q.Matches(e) {
			list = append(list, *e)
		}
		return true
	})
	j.mu.Unlock()
	if len(list) >= limit {
		return list[len(list)-limit:], upTo, nil
	}
	if store == nil {
		return list, upTo, nil
	}
	// What fell out of the ring has been saved, or is lost.
	older, err := store.events(ctx, q, before, limit-len(list))
	return slices.Concat(older, list), upTo, err
}

// Follow calls each for the query's events and then for those that come,
// without a gap or a repeat, one after the other in the caller's goroutine. It
// returns nil when ctx ends, each's error, ErrSlow when events come so much
// faster than each takes them that some are out of reach, or ErrClosed.
func (j *Journal) Follow(ctx context.Context, q Query, each func(Event) error) error {
	list, pos, err := j.events(ctx, q)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil && len(list) == 0 {
		return err
	}
	for {
		for _, e := range list {
			if err := each(e); err != nil {
				return err
			}
		}
		var more <-chan struct{}
		if list, pos, more, err = j.after(q, pos); err != nil {
			return err
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// after is what has come since pos, and otherwise a channel to wait on.
func (j *Journal) after(q Query, pos uint64) (list []Event, now uint64, more <-chan struct{}, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if oldest := j.ring.oldest(); oldest > pos+1 && j.seq > pos {
		return nil, pos, nil, ErrSlow
	}
	j.ring.each(pos, func(e *Event) bool {
		if q.Matches(e) {
			list = append(list, *e)
		}
		return true
	})
	if len(list) == 0 {
		if j.ended {
			return nil, pos, nil, ErrClosed
		}
		if j.more == nil {
			j.more = make(chan struct{})
		}
	}
	return list, j.seq, j.more, nil
}

func (q Query) limit() int {
	switch {
	case q.Limit == 0:
		return limitDefault
	case q.Limit < 0:
		return int(^uint(0) >> 1)
	}
	return q.Limit
}
