package journal

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// Where its directory is not mounted the journal makes no file, goes on in memory, and saves all of it afterwards.
func TestNoFileIsMadeInAMountPoint(t *testing.T) {
	dir := t.TempDir()
	var mounted atomic.Bool
	j := fast(t, Options{Path: filepath.Join(dir, "journal.db"), Present: func() error {
		if mounted.Load() {
			return nil
		}
		return errors.New("not mounted")
	}})
	appendNumbered(j, 0, 3)
	if j.Secure(time.Minute) {
		t.Error("secured where there is no directory")
	}
	if err := j.Flush(t.Context()); err == nil {
		t.Error("flushed where there is no directory")
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Fatalf("made: %v, %v", made, err)
	}
	mounted.Store(true)
	if !j.Secure(time.Minute) {
		t.Error("not secured")
	}
	mustFlush(t, j)
	if texts := tailTexts(t, j); len(texts) < 3 {
		t.Errorf("the record: %v", texts)
	}
}
