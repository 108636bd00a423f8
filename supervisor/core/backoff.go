package core

import "time"

// What stands in for a missing or senseless figure, so that no configuration
// makes the core try without pause.
const (
	backoffThenDefault   = 100 * time.Millisecond
	backoffMaxDefault    = time.Minute
	backoffFactorDefault = 2.0
)

// delay returns how long to wait after the n-th failure in a row, n from 1. It
// takes one number from the seed if there is jitter.
func (st *State) delay(b BackoffRule, n int) time.Duration {
	d := b.First
	if n > 1 {
		d = b.Then
		if d <= 0 {
			d = backoffThenDefault
		}
		f := b.Factor
		if f < 1 {
			f = backoffFactorDefault
		}
		// Floating point to Max, not integers: n may be large enough to overflow.
		x := float64(d)
		for i := 2; i < n && x < float64(b.longest()); i++ {
			x *= f
		}
		d = time.Duration(min(x, float64(b.longest())))
	}
	if d > 0 && b.Jitter > 0 {
		d += time.Duration(float64(d) * min(b.Jitter, 1) * (2*st.random() - 1))
	}
	return max(d, 0)
}

// longest is Max, or what stands in for it.
func (b BackoffRule) longest() time.Duration {
	if b.Max <= 0 {
		return backoffMaxDefault
	}
	return b.Max
}

// atLongest reports whether the n-th failure waits for the longest time.
func (b BackoffRule) atLongest(n int) bool {
	b.Jitter = 0
	return n > 1 && (&State{}).delay(b, n) >= b.longest()
}

// random returns a number in [0, 1) and advances the seed (splitmix64).
func (st *State) random() float64 {
	st.Seed += 0x9e3779b97f4a7c15
	z := st.Seed
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}

// forgive forgets failures of a service that was up long enough.
func (s *Service) forgive(now Instant) {
	if s.Phase == Up && now.Sub(s.UpSince) >= s.Spec.Backoff.ResetAfter {
		s.Fails, s.Looping = 0, false
	}
}

// countFailure counts one and reports whether the limit is reached.
func (s *Service) countFailure(now Instant) (limited bool) {
	s.Fails++
	n := s.Spec.Limit.N
	if n <= 0 {
		s.FailTimes = nil
		return false
	}
	s.FailTimes = append(s.FailTimes, now)
	for len(s.FailTimes) > n || (len(s.FailTimes) > 0 && now.Sub(s.FailTimes[0]) > s.Spec.Limit.Per) {
		s.FailTimes = s.FailTimes[1:]
	}
	return len(s.FailTimes) >= n
}
