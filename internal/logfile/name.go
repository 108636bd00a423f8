package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	stampForm  = "20060102T150405.000000Z" // UTC: names sort by time
	lostMark   = ".lost"
	copySuffix = ".rotating"
)

// Rotated is one file that a rotation made.
type Rotated struct {
	Path  string
	Stamp string // when, in UTC; later ones sort after
	Size  int64
	Lost  int64 // bytes before its first that were thrown away, because they came faster than the limits allow to keep
	Time  time.Time
}

// span is how many bytes of the log it stands for.
func (r Rotated) span() int64 { return r.Lost + r.Size }

// List finds the rotated files of a log, oldest first. A directory that is gone has none.
func List(path string) ([]Rotated, error) {
	list, err := listNames(path)
	if err != nil {
		return nil, err
	}
	there := list[:0]
	for _, r := range list {
		if r.stat() == nil { // else removed since
			there = append(there, r)
		}
	}
	return there, nil
}

// stat fills in the size.
func (r *Rotated) stat() error {
	info, err := os.Lstat(r.Path)
	if err == nil {
		r.Size = info.Size()
	}
	return err
}

// listNames is List without the sizes, for who looks often.
func listNames(path string) ([]Rotated, error) {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the rotated files of %q: %w", path, err)
	}
	var list []Rotated
	for _, e := range entries {
		r, ok := parseName(base, e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		r.Path = dir + e.Name()
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Rotated) int { return strings.Compare(a.Stamp, b.Stamp) })
	return list, nil
}

// parseName reads BASE.STAMP and BASE.STAMP.lostN.
func parseName(base, name string) (Rotated, bool) {
	rest, ok := strings.CutPrefix(name, base+".")
	if !ok {
		return Rotated{}, false
	}
	stamp, lost, some := strings.Cut(rest, lostMark)
	at, err := time.Parse(stampForm, stamp)
	if err != nil || len(stamp) != len(stampForm) {
		return Rotated{}, false
	}
	r := Rotated{Stamp: stamp, Time: at}
	if some {
		n, err := strconv.ParseInt(lost, 10, 64)
		if err != nil || n <= 0 {
			return Rotated{}, false
		}
		r.Lost = n
	}
	return r, true
}

// nextName is the name of a rotation at now, later than all there are: a clock that was set back must not mix up their order.
func nextName(path string, list []Rotated, now time.Time, lost int64) string {
	now = now.UTC().Truncate(time.Microsecond)
	if n := len(list); n > 0 && !now.After(list[n-1].Time) {
		now = list[n-1].Time.Add(time.Microsecond)
	}
	name := path + "." + now.Format(stampForm)
	if lost > 0 {
		name += lostMark + strconv.FormatInt(lost, 10)
	}
	return name
}
