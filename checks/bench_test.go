package checks

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpuOf reports the processor time of the whole test process per look: peers in the same process are part of it.
func cpuOf(b *testing.B, look func()) {
	b.ReportAllocs()
	var before, after unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		look()
	}
	if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(used)/float64(b.N)/1e3, "cpu-us/op")
}

// benchCheck decodes a table for a benchmark.
func benchCheck(b *testing.B, c Config) Check {
	if err := c.Validate(); err != nil {
		b.Fatal(err)
	}
	return c.Make()
}

func mustPass(b *testing.B, c Check, env Env) func() {
	ctx := b.Context()
	return func() {
		if r := c.Run(ctx, env); r.State != OK {
			b.Fatal(r.Detail)
		}
	}
}

func BenchmarkTCP(b *testing.B) {
	s := httptest.NewServer(http.NotFoundHandler())
	b.Cleanup(s.Close)
	cpuOf(b, mustPass(b, benchCheck(b, &TCP{Address: s.Listener.Addr().String()}), Env{}))
}

func BenchmarkHTTP(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	b.Cleanup(s.Close)
	k, err := Lookup("http")
	if err != nil {
		b.Fatal(err)
	}
	c := k.New().(*HTTP)
	c.URL, c.Expect.Body = s.URL, "ok"
	cpuOf(b, mustPass(b, benchCheck(b, c), Env{}))
}

// BenchmarkHTTPByTheLibrary is what the same look costs with net/http's client, for comparison.
func BenchmarkHTTPByTheLibrary(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	b.Cleanup(s.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	cpuOf(b, func() {
		resp, err := client.Get(s.URL)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	})
}

func BenchmarkFile(b *testing.B) {
	k, err := Lookup("file")
	if err != nil {
		b.Fatal(err)
	}
	c := k.New().(*File)
	c.Path = "/etc/hostname"
	cpuOf(b, mustPass(b, benchCheck(b, c), Env{}))
}

func BenchmarkProcess(b *testing.B) {
	cpuOf(b, mustPass(b, benchCheck(b, &ProcessConfig{}), living(Sample{At: time.Now(), RSS: 1 << 20})))
}

// BenchmarkWatch is what the conditions and the tolerance of one look cost.
func BenchmarkWatch(b *testing.B) {
	k, err := Lookup("process")
	if err != nil {
		b.Fatal(err)
	}
	o := k.Options()
	if err := o.When.UnmarshalTOML([]any{"rss > 400M for 5m", "cpu > 90%"}); err != nil {
		b.Fatal(err)
	}
	w, at := newWatch(k, o), time.Now()
	r := Pass("pid 7").With("rss", Bytes(1)).With("cpu", Percent(1))
	cpuOf(b, func() {
		at = at.Add(time.Second)
		w.see(Report{At: at, Result: r})
	})
}

// BenchmarkScheduler is the cost of one look that does nothing: goroutine, heap, report.
func BenchmarkScheduler(b *testing.B) {
	s := NewScheduler(Setup{})
	ended := make(chan struct{})
	go func() { s.Run(b.Context()); close(ended) }()
	if err := s.Set([]Job{fakeJob("a", time.Hour, scripted("."))}); err != nil {
		b.Fatal(err)
	}
	cpuOf(b, func() {
		if _, err := s.RunNow(b.Context(), Key{Name: "a"}); err != nil {
			b.Fatal(err)
		}
	})
}
