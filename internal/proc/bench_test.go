package proc

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkSample is one look at one process's figures.
func BenchmarkSample(b *testing.B) {
	table := newTable(b)
	k := shell(b, table, "read x")
	s, err := NewSampler(k.Identity())
	must(b, err)
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		s.Sample()
	}
}

// BenchmarkWatch is the memory that one watched process takes in supd: many pidfds of
// the same few processes will do.
func BenchmarkWatch(b *testing.B) {
	const watched = 5000
	var r unix.Rlimit
	must(b, unix.Getrlimit(unix.RLIMIT_NOFILE, &r))
	if r.Cur < watched+100 {
		b.Skipf("the limit of open files is %d", r.Cur)
	}
	table := newTable(b)
	id, err := Identify(1)
	must(b, err)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		at := time.Now()
		all := make([]*Process, watched)
		for i := range all {
			all[i], err = table.Open(id)
			must(b, err)
			all[i].OnExit(func(Exit) {})
		}
		took := time.Since(at)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/watched, "heap-B/process")
		b.ReportMetric(float64(after.StackSys-before.StackSys)/watched, "stack-B/process")
		b.ReportMetric(float64(took.Microseconds())/watched, "µs/open")
		for _, p := range all {
			p.Forget()
		}
	}
}
