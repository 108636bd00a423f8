package notices

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

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

// inSession is the mark of what was told in one session of a person; the key alone is that of what was told in any.
func inSession(key, session string) string { return key + " in session " + session }

// Untold is what of all was not told to me yet. Every session that was there when it happened is told: two people may share an
// account, and who of them types first must not keep it from the other. To one that began later it is news only if nobody was told, or
// everybody who logs in would read it for a month. since: when my session began; zero: as if it began now. What cannot be read was
// not told.
func Untold(stateDir string, me lockfile.Owner, all []Notice, since time.Time) []Notice {
	told := read(file(stateDir, me))
	return slices.DeleteFunc(slices.Clone(all), func(n Notice) bool {
		if me.Session != "" && !since.IsZero() && !n.At.Before(since.Truncate(time.Second)) { // times of notices have whole seconds
			return told[inSession(n.Key, me.Session)]
		}
		return told[n.Key]
	})
}

// Tell notes that keys were told to me in this session. Those that are not in all, and those of notices that are no more, are not kept.
func Tell(state *lockfile.Dir, me lockfile.Owner, all []Notice, keys []string) error {
	path := file(state.Path(), me)
	told := read(path)
	for _, k := range keys {
		told[k] = true
		if me.Session != "" {
			told[inSession(k, me.Session)] = true
		}
	}
	var text strings.Builder
	for _, n := range all {
		if told[n.Key] {
			text.WriteString(n.Key + "\n")
		}
		for _, line := range slices.Sorted(maps.Keys(told)) {
			if strings.HasPrefix(line, inSession(n.Key, "")) {
				text.WriteString(line + "\n")
			}
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
