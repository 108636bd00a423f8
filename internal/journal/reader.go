package journal

import "context"

// Reader reads a database that no daemon has open.
type Reader struct {
	s    *store
	tail []Event
}

// OpenReader opens the database for reading, for supctl without a daemon. It is
// *BusyError when a daemon has it, fs.ErrNotExist when there is none, and
// *DamagedError when it cannot be trusted. It changes nothing. A daemon that
// starts meanwhile goes on in memory until Close.
func OpenReader(path string) (*Reader, error) {
	s, err := openStore(path, true)
	if err != nil {
		return nil, err
	}
	return &Reader{s, readTail(path + tailSuffix)}, nil
}

// Events answers a query, oldest first.
func (r *Reader) Events(ctx context.Context, q Query) ([]Event, error) {
	found, err := r.s.events(ctx, q, 0, q.limit())
	if err != nil {
		return found, err
	}
	last, err := r.s.last()
	for i := range r.tail {
		if e := &r.tail[i]; err == nil && e.Seq > last && q.Matches(e) {
			found = append(found, *e)
		}
	}
	return found[max(0, len(found)-q.limit()):], err
}

// CheckHistory is the newest n results of a check (n <= 0: all that are saved),
// oldest first.
func (r *Reader) CheckHistory(service, check string, n int) ([]CheckResult, error) {
	list, err := r.s.history(key{service, check})
	if n > 0 && len(list) > n {
		list = list[len(list)-n:]
	}
	return list, err
}

// Close gives the database back.
func (r *Reader) Close() error { return r.s.close() }
