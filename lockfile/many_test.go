package lockfile

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// BenchmarkLockAmong5000 is taking a lock on a host of 5,000 services, and letting it go: what grows with the host is in the way of a person who locks.
func BenchmarkLockAmong5000(b *testing.B) {
	p := Plan{Services: map[string]Identity{}}
	for i := range 5000 {
		p.Services[fmt.Sprintf("s%d", i)] = Identity{Command: fmt.Sprintf("/bin/s%d", i)}
	}
	d := newDir(b, p)
	var took time.Duration
	for b.Loop() {
		t0 := time.Now()
		l := lockOf(b, d, ann(), "s7")[0]
		took += time.Since(t0)
		if _, err := d.End(context.Background(), EndRequest{IDs: []string{l.ID}, Owner: ann(), Force: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Microseconds())/float64(b.N), "µs/lock")
}

// What such a lock and its end do once for each service there is.
func BenchmarkLookAmong5000(b *testing.B) {
	p := Plan{Services: map[string]Identity{}}
	for i := range 5000 {
		p.Services[fmt.Sprintf("s%d", i)] = Identity{Command: fmt.Sprintf("/bin/s%d", i)}
	}
	d := newDir(b, p)
	l := lockOf(b, d, ann(), "s7")[0]
	for name, look := range map[string]func() error{
		"idFree":  func() error { return d.idFree(l.ID, l.Target) },
		"gatesOf": func() error { _, err := d.gatesOf(l.Target, l.Members, nil, nil); return err },
		"find":    func() error { _, err := d.find(l.ID); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := look(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
