package main

import (
	"os"
	"testing"
)

func TestReservedThreadsStay(t *testing.T) {
	const n = 40
	reserveThreads(n)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if len(tasks) < n {
		t.Errorf("%d threads, want at least %d", len(tasks), n)
	}
}
