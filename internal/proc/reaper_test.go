package proc

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

// modeSubreaper runs children whose statuses are wanted among orphans that nobody
// knows, and looks that none is mixed up.
func modeSubreaper() error {
	table, err := NewTable()
	if err != nil {
		return err
	}
	if err := table.ReapOrphans(); err != nil {
		return err
	}
	const rounds = 150
	results := make(chan error, rounds)
	for i := range rounds {
		go func() {
			code := i % 200
			// Three orphans each, that end before, with and after the child.
			k, err := tryShell(table, fmt.Sprintf("(exit 77) & (sleep 0.01) & (exit 78) & exit %d", code))
			if err != nil {
				results <- err
				return
			}
			<-k.Done()
			if e, _ := k.Exit(); e != (Exit{Known: true, Code: code}) {
				err = fmt.Errorf("status %+v, want code %d", e, code)
			}
			results <- err
		}()
	}
	for range rounds {
		if err := <-results; err != nil {
			return err
		}
	}
	end := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		tree, err := Tree(os.Getpid())
		if err != nil {
			return err
		}
		if len(tree) == 1 {
			fmt.Println("OK")
			return nil
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("%d descendants are left, the last in state %c", len(tree)-1, tree[len(tree)-1].State)
		}
	}
}

func TestOrphansAreReapedWithoutStealing(t *testing.T) {
	_, _, out := another(t, "subreaper")
	if b, err := io.ReadAll(out); err != nil || string(b) != "OK\n" {
		t.Errorf("%s %v", b, err)
	}
}
