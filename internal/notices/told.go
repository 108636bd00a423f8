package notices

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/supd/supd/lockfile"
)

// toldBytesMax bounds what is read of a file of keys: a few dozen bytes for each lock of one person in 30 days.
const toldBytesMax = 1 << 20

// file is where a person's keys are.
func file(stateDir string, me lockfile.Owner) string {
	kind := "login"
	if me.LoginUID == lockfile.NoLogin {
		kind = "uid"
	}
	return filepath.Join(stateDir, "told", fmt.Sprintf("%s-%d", kind, me.Person()))
}

// Untold is what of all was not told to me yet. What cannot be read was not.
func Untold(stateDir string, me lockfile.Owner, all []Notice) []Notice {
	told := read(file(stateDir, me))
	return slices.DeleteFunc(slices.Clone(all), func(n Notice) bool { return told[n.Key] })
}

// Tell notes that keys were told to me. Those that are not in all, and those of notices that are no more, are not kept.
func Tell(state *lockfile.Dir, me lockfile.Owner, all []Notice, keys []string) error {
	path := file(state.Path(), me)
	told := read(path)
	for _, k := range keys {
		told[k] = true
	}
	var text strings.Builder
	for _, n := range all {
		if told[n.Key] {
			text.WriteString(n.Key + "\n")
		}
	}
	dir, err := state.Beside("told", 0o700)
	if err != nil {
		return fmt.Errorf("cannot note what was told: %w", err)
	}
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("cannot note what was told: %w", err)
	}
	_, err = tmp.WriteString(text.String())
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("cannot note what was told: %w", err)
	}
	return nil
}

func read(path string) map[string]bool {
	told := map[string]bool{}
	f, err := os.Open(path)
	if err != nil {
		return told
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan() && n < toldBytesMax; n += len(lines.Bytes()) + 1 {
		told[lines.Text()] = true
	}
	return told
}
