package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is CLOCK_MONOTONIC in ns, the clock that mark reads.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails only for an unknown clock
	return ts.Nano()
}

// spread is a set of durations, sorted.
type spread []time.Duration

func spreadOf(ds []time.Duration) spread {
	s := slices.Clone(ds)
	slices.Sort(s)
	return s
}

// at is the q-th quantile (nearest rank).
func (s spread) at(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	return s[min(int(q*float64(len(s))), len(s)-1)]
}

func (s spread) String() string {
	return fmt.Sprintf("p50 %s p90 %s p99 %s", ms(s.at(.5)), ms(s.at(.9)), ms(s.at(.99)))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func ratio(a, b time.Duration) string {
	if b <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

// row is one figure beside its floor and its bar.
type row struct{ what, measured, floor, ratio, bar string }

func showRows(rows []row) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tmeasured\tfloor\tratio\tbar")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.what, r.measured, r.floor, r.ratio, r.bar)
	}
	w.Flush()
}

// showReached prints a table whose first line is the floor, with ratios to it.
func showReached(n, rounds int, all []reached) {
	if len(all) == 0 {
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d services, medians of %d\tcrash to running p50\t× floor\tp90\tmass crash\t× floor\tcold start\t× floor\tPSS\tprocesses\tidle CPU s/min\twake-ups/min\n", n, rounds)
	floor := all[0]
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f MB\t%d\t%.3f\t%.0f\n", r.name, ms(r.crash50), ratio(r.crash50, floor.crash50), ms(r.crash90),
			ms(r.mass), ratio(r.mass, floor.mass), ms(r.cold), ratio(r.cold, floor.cold), float64(r.pss)/1e6, r.processes, r.cpu, r.wakes)
	}
	w.Flush()
	fmt.Println()
}
