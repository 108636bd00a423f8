package lockfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// In a directory that has lost its marker, as a mount point has when nothing is mounted, nothing is made.
func TestNothingIsMadeBesideWhatIsNotThere(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	if err := Init(state, true); err != nil {
		t.Fatal(err)
	}
	d, err := Open(state, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		dir, err := d.Beside("notes", 0o700)
		if err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 || dir != filepath.Join(state, "notes") {
			t.Errorf("%s: %v, %v", dir, st, err)
		}
	}
	if err := os.Rename(state, state+".mounted"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	var marker *MarkerError
	if _, err := d.Beside("notes", 0o700); !errors.As(err, &marker) {
		t.Errorf("beside: %v", err)
	}
	if err := d.Present(); !errors.As(err, &marker) {
		t.Errorf("present: %v", err)
	}
	if made, err := os.ReadDir(state); err != nil || len(made) > 0 {
		t.Errorf("made: %v, %v", made, err)
	}
}
