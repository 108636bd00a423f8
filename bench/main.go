// Bench measures supd from outside, beside its floor and the supervisors that are installed, in the same run, and prints tables.
//
//	go run ./bench [-only compare,locking,gates,hoard,crowd] [-n 100,1000,5000] [-peers runsvdir,s6-svscan] [-rounds 3] [-locks 200] [-idle 20s] [-gate 5s]
//
// Ratios are what counts: absolute figures move with the machine. It runs as root (services in cgroups of their own) or as
// an ordinary user (without), and says which. The peers come from Debian: make bench-peers installs them.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

type settings struct {
	only       string // parts, with commas between; "" is all
	numbers    string // of services, with commas between
	peers      string // programs, with commas between; "" is all that are installed
	rounds     int
	locks      int
	idle, gate time.Duration
	dir        string // everything made here, programs too
}

var parts = []struct {
	name string
	run  func(*settings) error
}{{"compare", comparison}, {"locking", rowsOf(locking)}, {"gates", rowsOf(gates)}, {"hoard", rowsOf(hoard)}, {"crowd", rowsOf(crowd)}}

// rowsOf is a part that gives single figures.
func rowsOf(part func(*settings) ([]row, error)) func(*settings) error {
	return func(s *settings) error {
		rows, err := part(s)
		showRows(rows)
		return err
	}
}

func main() { os.Exit(run()) }

func run() int {
	var s settings
	flag.StringVar(&s.only, "only", "", "the parts to run, with commas between")
	flag.StringVar(&s.numbers, "n", "100,1000,5000", "services to supervise, a table for each number")
	flag.StringVar(&s.peers, "peers", "", "the peers to measure, by their programs; none: only the floor and supd")
	flag.IntVar(&s.rounds, "rounds", 3, "times that each subject is measured; the medians count")
	flag.IntVar(&s.locks, "locks", 200, "locks to take, one after the other")
	flag.DurationVar(&s.idle, "idle", 20*time.Second, "how long idle supervisors are watched")
	flag.DurationVar(&s.gate, "gate", 5*time.Second, "how long gates are passed")
	flag.Parse()
	err := measure(&s)
	if s.dir != "" {
		os.RemoveAll(s.dir)
		os.RemoveAll(filepath.Dir(runDir(filepath.Join(s.dir, "d"))))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func measure(s *settings) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "supd-bench-"); err != nil {
		return err
	}
	if err := build(s.dir); err != nil {
		return err
	}
	if err := adoptOrphans(); err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, kernel %s, uid %d, %s\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), kernel(), os.Getuid(), runtime.Version())
	for _, p := range parts {
		if s.only == "" || slices.Contains(strings.Split(s.only, ","), p.name) {
			fmt.Println()
			if err := p.run(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// comparison prints a table for each number of services.
func comparison(s *settings) error {
	for _, p := range peers {
		if !p.installed() {
			fmt.Printf("%s is not installed\n", p.name)
		}
	}
	for _, text := range strings.Split(s.numbers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		all, err := compare(s, n)
		showReached(n, s.rounds, all)
		if err != nil {
			return err
		}
	}
	return nil
}

// build makes the programs that are measured and those that measure, all from this tree.
func build(dir string) error {
	for name, pkg := range map[string]string{"supd": "./cmd/supd", "supctl": "./cmd/supctl", "floor": "./bench/floor", "fsync": "./bench/fsync"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as the Makefile builds them
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("cannot build %s: %w", pkg, err)
		}
	}
	cmd := exec.Command("cc", "-O2", "-static", "-o", filepath.Join(dir, "mark"), "bench/testdata/mark.c")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot build bench/testdata/mark.c: %w (gcc and libc6-dev have to be there)", err)
	}
	return nil
}

func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return string(b[:len(b)-1])
}
