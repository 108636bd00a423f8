package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Lines come while the program runs; the end of ctx ends it and what it started.
func TestStreamGivesLinesAsTheyCome(t *testing.T) {
	table := newTable(t)
	dir := t.TempDir()
	c := sh("echo one; echo two; sleep 1000 & echo $!; wait")
	c.Dir = dir
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got []string
	must(t, table.Stream(ctx, c, func(line []byte) error {
		if got = append(got, string(line)); len(got) == 3 {
			cancel()
		}
		return nil
	}))
	if !slices.Equal(got[:2], []string{"one", "two"}) {
		t.Fatalf("%q", got)
	}
	pid, err := strconv.Atoi(got[2])
	must(t, err)
	eventually(t, "its child's end", func() bool {
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestStreamEnds(t *testing.T) {
	table := newTable(t)
	none := func([]byte) error { return nil }
	var ended *StreamEndedError
	if err := table.Stream(context.Background(), sh("echo a; echo why >&2; exit 1"), none); !errors.As(err, &ended) || err.Error() != "sh has ended: why" {
		t.Errorf("by itself: %v", err)
	}
	enough := errors.New("enough")
	if err := table.Stream(context.Background(), sh("while echo y; do :; done"), func([]byte) error { return enough }); err != enough {
		t.Errorf("by who takes the lines: %v", err)
	}
	if err := table.Stream(context.Background(), Command{Argv: []string{"/nonexistent"}}, none); err == nil {
		t.Error("a program that is not there was followed")
	}
	long := fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x", streamLineMax+1)
	if err := table.Stream(context.Background(), sh(long), none); err == nil || errors.As(err, &ended) {
		t.Errorf("by a line without end: %v", err)
	}
}
