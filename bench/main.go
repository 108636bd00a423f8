// Bench measures supd from outside, each figure beside its floor in the same run, and prints a table.
//
//	go run ./bench [-only crashes,locking,gates,idle] [-services 100] [-locks 200] [-idle 60s] [-gate 5s]
//
// Ratios are what counts: absolute figures move with the machine. It runs as root (services in cgroups of their own) or as
// an ordinary user (without), and says which.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

type settings struct {
	services, locks int
	idle, gate      time.Duration
	only            string // parts, with commas between; "" is all
	dir             string // everything made here, programs too
}

// row is one figure beside its floor and its bar.
type row struct{ what, measured, floor, ratio, bar string }

var parts = []struct {
	name string
	run  func(*settings) ([]row, error)
}{{"crashes", crashes}, {"locking", locking}, {"gates", gates}, {"idle", idle}}

func main() { os.Exit(run()) }

func run() int {
	var s settings
	flag.IntVar(&s.services, "services", 100, "services to supervise")
	flag.IntVar(&s.locks, "locks", 200, "locks to take, one after the other")
	flag.DurationVar(&s.idle, "idle", time.Minute, "how long an idle supd is watched")
	flag.DurationVar(&s.gate, "gate", 5*time.Second, "how long gates are passed")
	flag.StringVar(&s.only, "only", "", "the parts to run, with commas between")
	flag.Parse()
	rows, err := measure(&s)
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
	show(rows)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// measure runs every part; what was measured before a failure is still shown.
func measure(s *settings) ([]row, error) {
	var err error
	if s.dir, err = os.MkdirTemp("", "supd-bench-"); err != nil {
		return nil, err
	}
	if err := build(s.dir); err != nil {
		return nil, err
	}
	var rows []row
	for _, p := range parts {
		if s.only != "" && !slices.Contains(strings.Split(s.only, ","), p.name) {
			continue
		}
		more, err := p.run(s)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// build makes the programs that are measured and those that measure, all from this tree.
func build(dir string) error {
	for name, pkg := range map[string]string{"supd": "./cmd/supd", "supctl": "./cmd/supctl", "mark": "./bench/mark", "fsync": "./bench/fsync"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile builds them
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("cannot build %s: %w", pkg, err)
		}
	}
	return nil
}

func show(rows []row) {
	fmt.Printf("%s, %d cores, kernel %s, uid %d, %s\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), kernel(), os.Getuid(), runtime.Version())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tmeasured\tfloor\tratio\tbar")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.what, r.measured, r.floor, r.ratio, r.bar)
	}
	w.Flush()
}

func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return string(b[:len(b)-1])
}
