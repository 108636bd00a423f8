package journal

import (
	"context"
	"time"
)

// historyKept is how many results of a check are kept.
const historyKept = 60

// CheckResult is one run of one check, for the history. States: "ok",
// "failing", "unknown".
type CheckResult struct {
	Time     time.Time     `json:"time"`
	State    string        `json:"state"`
	Detail   string        `json:"detail,omitempty"`
	Value    string        `json:"value,omitempty"` // with its unit, as a person reads it
	Duration time.Duration `json:"duration_ns"`
}

// history is what a check found since Open, oldest first.
type history struct{ results []CheckResult }

// add appends r. Strings equal to the last result's share its memory: most
// results of most checks say the same.
func (h *history) add(r CheckResult) (changed bool) {
	if n := len(h.results); n == 0 {
		changed = true
	} else {
		last := &h.results[n-1]
		changed = last.State != r.State
		if r.Detail == last.Detail {
			r.Detail = last.Detail
		}
		if r.Value == last.Value {
			r.Value = last.Value
		}
	}
	h.results = newest(append(h.results, r), historyKept)
	return changed
}

// newest moves the newest n of list to its front when it has grown to twice that.
func newest(list []CheckResult, n int) []CheckResult {
	if len(list) < 2*n {
		return list
	}
	copy(list, list[len(list)-n:])
	clear(list[n:])
	return list[:n]
}

// CheckDone puts a result into the check's history (the newest historyKept are
// kept). It reaches the disk when the state changed, and at Close. service is
// "" for a check that belongs to none.
func (j *Journal) CheckDone(service, check string, r CheckResult) {
	k := key{service, check}
	j.mu.Lock()
	h := j.checks[k]
	if h == nil {
		h = &history{}
		j.checks[k] = h
	}
	changed := h.add(r)
	if changed {
		j.dirty.checks[k] = struct{}{}
	}
	j.mu.Unlock()
	if changed {
		j.nudge()
	}
}

// CheckHistory is the newest n results of a check (n <= 0: all that are kept),
// oldest first, those of earlier runs of supd included.
func (j *Journal) CheckHistory(ctx context.Context, service, check string, n int) []CheckResult {
	select {
	case <-j.ready:
	case <-ctx.Done():
	}
	k := key{service, check}
	j.mu.Lock()
	store := j.store
	fresh := j.historyLocked(k)
	j.mu.Unlock()
	var saved []CheckResult
	if store != nil && len(fresh) < historyKept {
		saved, _ = store.history(k) // what cannot be read is no history
	}
	list := merge(saved, fresh)
	if n > 0 && len(list) > n {
		list = list[len(list)-n:]
	}
	return list
}

// markChecks has every history saved: at the end, results without a change of
// state are worth the write.
func (j *Journal) markChecks() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for k := range j.checks {
		j.dirty.checks[k] = struct{}{}
	}
}

func (j *Journal) historyLocked(k key) []CheckResult {
	h := j.checks[k]
	if h == nil {
		return nil
	}
	return append([]CheckResult(nil), h.results...)
}

// merge puts fresh results behind saved ones, some of which may be the same,
// and keeps the newest historyKept.
func merge(saved, fresh []CheckResult) []CheckResult {
	list := make([]CheckResult, 0, len(saved)+len(fresh))
	for _, r := range saved {
		if len(fresh) > 0 && r.Time.Equal(fresh[0].Time) {
			break
		}
		list = append(list, r)
	}
	list = append(list, fresh...)
	return list[max(0, len(list)-historyKept):]
}
